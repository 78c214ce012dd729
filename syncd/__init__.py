"""syncd keeps a company's books in step with what it invoices in FastFaktura."""

__version__ = "0.1.0"
