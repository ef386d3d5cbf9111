"""The connections files that are shipped: the commented example and the one for a sandbox.

Belongs here: their text and nothing else. The files are data of the package (`examples/`).
"""

from __future__ import annotations

from importlib.resources import files

SANDBOX_PORT = 8900
#: One connection of each provider; both keep the same CRM in step.
SANDBOX_CONNECTION = "demo-mailchimp"
SANDBOX_BREVO_CONNECTION = "demo-brevo"


def example_text() -> str:
    """The commented example that `nl-pipeline init` writes; valid as it stands."""
    return _read("connections.yaml")


def sandbox_text(*, port: int = SANDBOX_PORT, receiver_port: int | None = None) -> str:
    """The connections file for a sandbox that listens on `port` of this machine.

    `receiver_port`: where a receiver takes the sandbox's webhooks; without one there are none.
    """
    text = _read("sandbox.yaml").replace(":8900/", f":{port}/")
    if receiver_port is None:
        return text
    return text + f"webhooks:\n  public_url: http://127.0.0.1:{receiver_port}\n"


def _read(name: str) -> str:
    return files("nl_pipeline.settings").joinpath("examples", name).read_text(encoding="utf-8")
