"""Measures syncd on real invoices beside other ways to do it: ``python -m bench FILE``, ``make bench``."""
