"""``python -m syncd.settings`` prints ``config.example.toml``."""

from __future__ import annotations

from syncd.settings.example import example

if __name__ == "__main__":
    print(example(), end="")  # noqa: T201 - its output is the file
