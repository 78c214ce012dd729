"""The same account through dlt's ``rest_api`` source into SQLite by merge: ``python -m bench.with_dlt URL FOLDER HOW``.

HOW is ``list`` (invoice and client rows only) or ``details`` (each invoice's own request as well, in parallel). Lists
within a record stay JSON, as in syncd's mirror: tables of lines and events would make it slower. An API without
updated-since leaves it no way to ask for less the next time.

Source: dlthub.com, documentation of "REST API source" and "SQLAlchemy destination".
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import dlt
from dlt.destinations import sqlalchemy
from dlt.sources.rest_api import rest_api_source


def config(base_url: str, *, details: bool) -> dict[str, Any]:
    """Say what is read, as dlt wants it said."""
    pages = {"type": "page_number", "base_page": 1, "total_path": None, "stop_after_empty_page": True}
    key = {"type": "api_key", "name": "X-Api-Key", "api_key": os.environ["BENCH_KEY"], "location": "header"}
    lists = ("clients", "invoices")
    resources: list[Any] = [{"name": kind, "endpoint": {"path": kind, "paginator": pages}} for kind in lists]
    if details:
        one = {"path": "invoices/{resources.invoices.id}", "paginator": "single_page"}
        resources.append({"name": "details", "parallelized": True, "endpoint": one})
    merged = {"primary_key": "id", "write_disposition": "merge", "max_table_nesting": 0}
    return {"client": {"base_url": base_url, "auth": key}, "resource_defaults": merged, "resources": resources}


def main() -> None:
    """Load; say how long it took from the first request to the last commit, and what stands in the tables."""
    base_url, folder, how = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    began, cpu = time.perf_counter(), time.process_time()
    target, kept = sqlalchemy(f"sqlite:///{folder}/{how}.db"), str(folder / "pipelines")
    pipeline = dlt.pipeline(f"bench_{how}", destination=target, dataset_name="main", pipelines_dir=kept)
    pipeline.run(rest_api_source(config(base_url, details=how == "details")))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    with pipeline.sql_client() as client:
        tables = ["clients", "invoices", *(["details"] if how == "details" else [])]
        rows = {name: client.execute_sql(f"SELECT count(*) FROM {name}")[0][0] for name in tables}
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": rows}))


if __name__ == "__main__":
    main()
