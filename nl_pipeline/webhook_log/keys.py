"""Secrets of the receiver: the path part of a webhook's URL, the keys providers sign with, and the
token a provider sends along that signs nothing.

Belongs here: deriving and keeping them. Must not be here: checking a request (``receiver``) and
creating webhooks (``sync``). No secret is shown by ``repr``.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from nl_pipeline.settings import Settings
from nl_pipeline.webhook_log.paths import FILE_MODE, FOLDER_MODE

ORIGINS: Mapping[str, tuple[str, ...]] = {
    "mailchimp": ("person", "staff"),
    "brevo": ("changes", "mails"),
    "linkedin": ("leads",),
}
"""Provider -> the webhooks each connection has there. Mailchimp's are told apart by who acted,
Brevo's by what they tell: changes of contacts, or what became of mails. LinkedIn has one."""

SECRET_FILE = "receiver_secret"
KEYS_FILE = "signing_keys.json"


def route_token(secret: str, *, connection: str, provider: str, origin: str) -> str:
    """The part of a webhook's path that nobody can guess: HMAC-SHA256 in hexadecimal.

    Another secret gives other URLs, so changing it means setting the webhooks up again.
    """
    message = "\n".join(("nl-pipeline webhook", connection, provider, origin))
    return hmac.new(secret.encode(), message.encode(), "sha256").hexdigest()


def bearer_token(secret: str, *, connection: str, provider: str, origin: str) -> str:
    """What a provider without signatures sends along with each request of a webhook.

    Whoever gets to see the path, in the log of a proxy for instance, does not know it.
    """
    message = "\n".join(("nl-pipeline bearer", connection, provider, origin))
    return hmac.new(secret.encode(), message.encode(), "sha256").hexdigest()


def webhook_path(secret: str, *, connection: str, provider: str, origin: str) -> str:
    """The path of a webhook: ``/hooks/<connection>/<provider>/<origin>/<token>``."""
    token = route_token(secret, connection=connection, provider=provider, origin=origin)
    return f"/hooks/{connection}/{provider}/{origin}/{token}"


def webhook_url(
    settings: Settings, *, secret: str, connection: str, provider: str, origin: str
) -> str | None:
    """The address a provider is given for a webhook; None where no public address is set."""
    if settings.webhooks.public_url is None:
        return None
    path = webhook_path(secret, connection=connection, provider=provider, origin=origin)
    return f"{settings.webhooks.public_url}{path}"


def receiver_secret(settings: Settings, *, environ: Mapping[str, str] | None = None) -> str:
    """The secret that the paths are derived from: the one of the settings, else a file of ours.

    The file lies in the log folder and is written at the first use. SettingsError if the settings
    name a secret that is not there; OSError if the file can't be read or written.
    """
    if settings.webhooks.secret is not None:
        return settings.webhooks.secret.resolve(environ)
    path = settings.webhook_root / SECRET_FILE
    if not path.exists():
        _create(path, content=secrets.token_hex(32).encode())
    return path.read_text(encoding="ascii").strip()


def former_secrets(
    settings: Settings, *, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Secrets from before, whose webhooks go on being answered until they were put right.

    That of the settings, and the file of ours where the settings name a secret by now.
    SettingsError if a named one is not there; OSError if the file can't be read.
    """
    former = []
    if settings.webhooks.former_secret is not None:
        former.append(settings.webhooks.former_secret.resolve(environ))
    path = settings.webhook_root / SECRET_FILE
    if settings.webhooks.secret is not None and path.exists():
        former.append(path.read_text(encoding="ascii").strip())
    return tuple(former)


@dataclass(frozen=True)
class SigningKey:
    """What one webhook of a provider signs its requests with. Told only once, when it is made."""

    webhook_id: str
    origin: str
    signing_secret: str = field(repr=False)


_keys = msgspec.json.Decoder(tuple[SigningKey, ...])


class UnreadableKeys(Exception):
    """The file of the signing keys is there and says nothing that can be understood."""


class SigningKeys:
    """The signing keys of a connection, in a file beside its segments.

    Set-up writes it, receivers read it; it is replaced as a whole, so a reader never sees half.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / KEYS_FILE

    def read(self) -> tuple[SigningKey, ...]:
        """All keys; none if there is no file. UnreadableKeys or OSError if it can't be read."""
        try:
            return _keys.decode(self.path.read_bytes())
        except FileNotFoundError:
            return ()
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UnreadableKeys(
                f"{self.path.name} of this connection is damaged, so signatures can't be checked; "
                "restore it from a backup or set the webhooks up again"
            ) from None

    def remember(self, key: SigningKey) -> None:
        """Add the key of a webhook, or replace it. Durable when this returns."""
        others = [known for known in self.read() if known.webhook_id != key.webhook_id]
        self._replace([*others, key])

    def forget(self, *, webhook_id: str) -> None:
        """Drop the key of a webhook that was deleted."""
        known = self.read()
        left = [key for key in known if key.webhook_id != webhook_id]
        if len(left) < len(known):
            self._replace(left)

    def _replace(self, keys: list[SigningKey]) -> None:
        new = _written(self.path, content=msgspec.json.format(msgspec.json.encode(keys)))
        new.replace(self.path)
        _sync_folder(self.path.parent)


def _create(path: Path, *, content: bytes) -> None:
    """Write ``path`` unless another process was faster; whoever was first counts for both."""
    new = _written(path, content=content)
    try:
        os.link(new, path)
    except FileExistsError:
        return
    finally:
        new.unlink()
    _sync_folder(path.parent)


def _written(path: Path, *, content: bytes) -> Path:
    """A durable file of the owner's beside ``path``, to be put in its place."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    return new


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
