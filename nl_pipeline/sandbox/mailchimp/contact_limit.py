"""The plan's limit of contacts, as far as API clients meet it.

Belongs here: counting contacts against the switch, and the refusal. Does not belong here: the form
of the refusal (``errors``) and who else may add contacts: sign-ups are taken all the same.
"""

from __future__ import annotations

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account


def check_room(account: Account, *, wanted: int) -> None:
    """Raise the API's refusal when so many further contacts do not fit."""
    limit = account.switches.max_contacts
    if limit >= 0 and wanted > 0 and _contacts(account) + wanted > limit:
        raise errors.too_many_contacts(limit, form=account.switches.contact_limit_error)


def _contacts(account: Account) -> int:
    return sum(
        count
        for audience in account.audiences.values()
        for status, count in audience.counts.items()
        if status != "archived"
    )
