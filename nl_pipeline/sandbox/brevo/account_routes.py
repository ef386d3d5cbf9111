"""``GET /account``: whose account it is.

Belongs here: the account's own resource. Does not belong here: contacts and what belongs to them.
Neither language nor time zone is part of it (Brevo docs).
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall

OWNER = "konto@sandbox-immobilien.example"
"""The address of the account's user, who cannot be deleted as a contact."""


def read_account(account: Account, call: ApiCall) -> Answer:
    """The account; plans as of a small paying customer."""
    return Answer(
        {
            "organization_id": "66f1b2c3d4e5f60718293a4b",
            "user_id": 1,
            "enterprise": account.switches.enterprise,
            "companyName": "Sandbox Immobilien GmbH",
            "email": OWNER,
            "firstName": "Sandra",
            "lastName": "Beispiel",
            "address": {
                "city": "Aachen",
                "country": "Germany",
                "street": "Hauptstr. 1",
                "zipCode": "52062",
            },
            "plan": [{"type": "subscription", "creditsType": "sendLimit", "credits": 20000.0}],
            "relay": {
                "enabled": True,
                "data": {
                    "userName": OWNER,
                    "relay": "smtp-relay.example",
                    "port": 587,
                },
            },
            "marketingAutomation": {"enabled": False},
        }
    )
