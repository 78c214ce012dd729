"""syncd's pull alone, as the daemon's pull job does it. ``python -m bench.pulling SETTINGS``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from syncd.cli.opening import engine


def main() -> None:
    """Pull once; say how long it took, from opened state to closed connections."""
    with engine(Path(sys.argv[1])) as parts:
        began, cpu = time.perf_counter(), time.process_time()
        result = parts.pull("shop")
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if result.pulled is None:
        sys.exit(str(result.error))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "requests": result.pulled.requests, "new": result.pulled.new}))


if __name__ == "__main__":
    main()
