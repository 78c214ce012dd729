"""Measures syncd on a real Odoo beside a client that makes one call per record: ``python -m bench.odoo FILE``."""
