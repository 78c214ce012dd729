"""The modules for the accounting systems, each a connector found by ``syncd`` through its entry point."""
