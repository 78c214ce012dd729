"""The CSV ledger: a folder of current-state tables that any spreadsheet opens (DESIGN section 9)."""

from connectors.csv.connector import CsvConnector

__all__ = ["CsvConnector"]
