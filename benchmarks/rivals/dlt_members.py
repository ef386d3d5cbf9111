"""The rival dlt: its REST API source reads an audience into parquet files, one flat table.

Belongs here: dlt at its best settings found on this load. Runs with the rivals' own interpreter, so
nothing of the package may be imported. Prints one line of JSON: rows, seconds and its version.

    python dlt_members.py API_URL API_KEY LIST_ID FIELDS FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import requests

PAGE = 1000


def counted() -> list[int]:
    """The lengths of all bodies received from now on."""
    lengths: list[int] = []
    send = requests.Session.send

    def counting(
        session: requests.Session, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        response = send(session, request, **options)
        lengths.append(int(response.headers.get("content-length", 0)))
        return response

    requests.Session.send = counting  # type: ignore[method-assign]
    return lengths


def main() -> None:
    url, key, list_id, fields, folder = sys.argv[1:]
    os.environ |= {
        "RUNTIME__LOG_LEVEL": "ERROR",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        # Fewer flushes of the writers; files of a size that keeps both normalizers busy.
        "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
        "DATA_WRITER__FILE_MAX_ITEMS": "50000",
        "EXTRACT__WORKERS": "4",
        "EXTRACT__NEXT_ITEM_MODE": "fifo",
        "NORMALIZE__WORKERS": str(os.cpu_count() or 1),
        "NORMALIZE__START_METHOD": "spawn",
        "LOAD__WORKERS": "4",
        "LOAD__DELETE_COMPLETED_JOBS": "true",
    }
    import dlt
    import pyarrow.parquet  # noqa: F401  # loaded late otherwise; no party pays for its imports
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "http_basic", "username": "any", "password": key},
                "paginator": {
                    "type": "offset",
                    "limit": PAGE,
                    "limit_param": "count",
                    "offset_param": "offset",
                    "total_path": "total_items",
                },
            },
            "resources": [
                {
                    "name": "members",
                    "primary_key": "id",
                    "max_table_nesting": 0,
                    "endpoint": {
                        "path": f"lists/{list_id}/members",
                        "params": {"fields": fields, "sort_field": "timestamp_opt"},
                        "data_selector": "members",
                    },
                }
            ],
        },
        max_table_nesting=0,
    )
    pipeline = dlt.pipeline(
        "members",
        pipelines_dir=str(Path(folder) / "state"),
        destination=dlt.destinations.filesystem(bucket_url=(Path(folder) / "out").as_uri()),
        dataset_name="bench",
    )
    received = counted()
    start = time.perf_counter()
    info = pipeline.run(source, loader_file_format="parquet", write_disposition="append")
    seconds = time.perf_counter() - start
    info.raise_on_failed_jobs()
    rows = pipeline.last_trace.last_normalize_info.row_counts["members"]
    told = {"rows": rows, "seconds": seconds, "bytes": sum(received)}
    print(json.dumps(told | {"version": f"dlt {dlt.__version__}"}))


if __name__ == "__main__":
    main()
