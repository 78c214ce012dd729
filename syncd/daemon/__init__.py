"""The daemon: sources and targets kept in step on their beats, under systemd (DESIGN section 11)."""

from syncd.daemon.serve import serve

__all__ = ["serve"]
