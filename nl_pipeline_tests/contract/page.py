"""The page of what is held against the providers' documents, and where traffic may differ.

Belongs here: the text of `docs/contract.md`, made of the tables. Not here: the tables.
`python -m nl_pipeline_tests.contract.page` prints it; a test holds the file against it.
"""

from __future__ import annotations

from collections.abc import Iterable

from nl_pipeline_tests.contract.brevo.deviations import DEVIATIONS as BREVO
from nl_pipeline_tests.contract.deviations import Deviation
from nl_pipeline_tests.contract.mailchimp.deviations import DEVIATIONS as MAILCHIMP

_HEAD = """# What is held against the providers' contracts

Generated from the tables in `nl_pipeline_tests/contract/*/deviations.py`; do not edit by hand, run
`python -m nl_pipeline_tests.contract.page > docs/contract.md`.

For each provider two kinds of traffic with its twin are recorded on the wire: a busy life of a
connection, and a visit of the provider's own client library to everything the connector relies on.
Every call and every answer is checked against the provider's own document: path and method, names
and types of parameters, bodies, status, content type. A property that the document does not name
counts as a misfit, and so does a read-only one in a request. Real traffic differs from the
documents in places; these are the differences that are known and kept. Any other, and any of these
that is gone, fails a test. Every path of our clients has to be in the traffic.

The documents are the providers' and no part of this project: the checks look for them in
`../shared/specs/` and are skipped where they are absent.

## Mailchimp

Document: the Swagger document of the Marketing API (`mailchimp-marketing.json`, 272 operations).
Library: `mailchimp-marketing`. The busy life: set-up, first sync, batches, tags, moved addresses,
refused rows, a full sync, webhooks, a recovery of what happened with the reports of campaigns. The
calls and answers inside batches and their result archives are checked, too. The document's list of
permitted `activity_filters` (each value as a list of one) is read as a list of permitted values.

"""

_BREVO = """
## Brevo

Document: the OpenAPI document of the API v3 (`brevo-v3.yml`, 281 operations). Library:
`brevo-python`, whose models are newer than the document; what the library itself cannot read as its
models say fails a test of its own. The busy life: set-up on an empty account, first sync by import,
updates, changed addresses, opt-outs of every kind, confirmations, webhooks made and mended, a
recovery of what happened. Where the document offers alternatives (`oneOf`), at least one has to
fit: an empty list is at once one of addresses and one of ids. An object without any named property
is taken as free. Files of exports and reports lie beside the API and are in no document.

"""

_TABLE = """| call | place | misfit | reason | source |
|---|---|---|---|---|
"""


def page() -> str:
    """The text of `docs/contract.md`."""
    return f"{_HEAD}{_TABLE}{_rows(MAILCHIMP)}{_BREVO}{_TABLE}{_rows(BREVO)}"


def _rows(table: Iterable[Deviation]) -> str:
    return "".join(
        f"| `{row.operation}` | `{row.place}` | {row.problem} | {row.reason} | {row.source} |\n"
        for row in table
    )


if __name__ == "__main__":
    print(page(), end="")
