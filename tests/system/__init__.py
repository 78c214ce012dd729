"""Tests of the whole program: its command line, a served account over HTTP, a state in SQLite, a ledger in a folder."""
