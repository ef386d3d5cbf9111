"""The rival tap-mailchimp: the Singer tap reads an audience and writes Singer messages.

Belongs here: the tap as published, with its address of the API replaced at run time. Runs with the
rivals' own interpreter, so nothing of the package may be imported. Messages go to the file named;
one line of JSON goes to standard output: rows, seconds and its version.

    python tap_mailchimp_members.py API_URL API_KEY FIELDS MESSAGES
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests
import tap_mailchimp
from tap_mailchimp.client import MailchimpClient
from tap_mailchimp.discover import discover


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
    url, key, fields, messages = sys.argv[1:]
    wanted = {name.removeprefix("members.") for name in fields.split(",")}
    logging.disable(logging.INFO)
    catalog = discover()
    for stream in catalog.streams:
        if stream.stream == "list_members":
            stream.metadata.append({"breadcrumb": (), "metadata": {"selected": True}})
            for entry in stream.metadata[:-1]:
                entry["metadata"]["selected"] = entry["breadcrumb"][-1] in wanted
    rows = 0
    with MailchimpClient({"api_key": key, "dc": "us0", "page_size": "1000"}) as client:
        # The tap knows https://<dc>.api.mailchimp.com only.
        client._MailchimpClient__base_url = url.removesuffix("/3.0")
        with Path(messages).open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
            received = counted()
            start = time.perf_counter()
            tap_mailchimp.sync(client, catalog, {}, "2000-01-01T00:00:00Z")
            seconds = time.perf_counter() - start
    with Path(messages).open(encoding="utf-8") as written:
        rows = sum(line.startswith('{"type": "RECORD"') for line in written)
    told = {"rows": rows, "seconds": seconds, "bytes": sum(received)}
    print(json.dumps(told | {"version": f"tap-mailchimp {version('tap-mailchimp')}"}))


if __name__ == "__main__":
    main()
