"""The limit: details as bytes by a bare loop of httpx calls in threads. ``python -m bench.bare URL THREADS``."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx


def main() -> None:
    """List the ids, then time the details alone."""
    base_url, threads = sys.argv[1], int(sys.argv[2])
    with httpx.Client(headers={"X-Api-Key": os.environ["BENCH_KEY"]}, trust_env=False) as client:
        ids: list[str] = []
        page = 1
        while rows := client.get(f"{base_url}/invoices?page={page}").json():
            ids += [row["id"] for row in rows]
            page += 1

        def read(part: list[str]) -> int:
            return sum(len(client.get(f"{base_url}/invoices/{each}").content) for each in part)

        began, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(threads) as pool:
            size = sum(pool.map(read, [ids[place::threads] for place in range(threads)]))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "details": len(ids), "bytes": size}))


if __name__ == "__main__":
    main()
