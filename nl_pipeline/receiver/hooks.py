"""Taking one request of a provider: let it in, store it, answer.

Belongs here: the order of the checks and the answer to each outcome. Must not be here: what the
body says. Nothing of a request is logged; its path alone is a secret.

Answers: 200 stored, or a challenge met; 400 no code of a challenge; 403 stored as a hint, since the
signature is wrong; 404 no such webhook; 405, 413; and whatever makes that provider send again where
nothing was stored. A provider that forgets an event it was refused gets the last one instead of all
others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.types import Message, Receive, Scope, Send

from nl_pipeline.receiver.app_secret import Proof, challenge_answer, challenge_code, proof_of
from nl_pipeline.receiver.counts import Counts
from nl_pipeline.receiver.routes import Hook, HookTable, ProviderRules, is_one_of
from nl_pipeline.receiver.signatures import is_signed
from nl_pipeline.settings import ReceiverLimits
from nl_pipeline.webhook_log.challenges import note_challenge
from nl_pipeline.webhook_log.writing import LogFull, LogWriter

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 30
KEPT_HEADERS = (b"content-type", b"user-agent")
"""Besides the header with the signature."""


class _Refused(Exception):
    def __init__(self, status: int, cause: str) -> None:
        super().__init__(cause)
        self.status = status
        self.cause = cause


class HookIntake:
    """The ASGI app below ``/hooks``. ``clock`` gives Unix time, for the age of signatures."""

    def __init__(
        self,
        hooks: HookTable,
        *,
        writer: LogWriter,
        limits: ReceiverLimits,
        counts: Counts,
        clock: Callable[[], float],
    ) -> None:
        self._hooks = hooks
        self._writer = writer
        self._limits = limits
        self._counts = counts
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, always."""
        self._counts.received += 1
        hook = self._hooks.find(scope["path"])
        content = b""
        try:
            content = self._met_challenge(hook, scope=scope)
            status = 200 if content else await self._take(hook, scope=scope, receive=receive)
        except _Refused as refused:
            self._counts.refused[refused.cause] += 1
            status = refused.status
        except Exception as error:
            # Its text may quote the request.
            _log.error("A request failed unexpectedly: %s", type(error).__name__)
            self._counts.refused["unexpected"] += 1
            rules = self._hooks.rules_at(scope["path"])
            status = 503 if rules is None else rules.send_again
        if status:
            await _answer(send, status=status, content=content)

    def _met_challenge(self, hook: Hook | None, *, scope: Scope) -> bytes:
        """The answer to a challenge, at once: LinkedIn waits for 3 seconds. Empty if it is none."""
        if hook is None or not hook.rules.has_app_secret or scope["method"] != "GET":
            return b""
        try:
            code = challenge_code(scope["query_string"])
        except ValueError:
            raise _Refused(400, "wrong_challenge") from None
        if code is None:
            return b""
        self._counts.validations += 1
        at = datetime.fromtimestamp(self._clock(), UTC)
        note_challenge(hook.folder, provider=hook.provider, at=at)
        return challenge_answer(code, secret=hook.app_secret)

    async def _take(self, hook: Hook | None, *, scope: Scope, receive: Receive) -> int:
        """The status to answer; 0 if nobody is there any more to be answered."""
        if hook is None:
            # After a change of secrets even an authentic event may come to a path of before.
            rules = self._hooks.rules_at(scope["path"])
            raise _Refused(404 if rules is None else rules.refusal(404), "wrong_path")
        method = scope["method"]
        if method in ("GET", "HEAD"):
            # Mailchimp's check when a webhook is created.
            self._counts.validations += 1
            return 200
        if method != "POST":
            raise _Refused(405, "wrong_method")
        try:
            body = await self._body(receive, announced=_announced(scope), rules=hook.rules)
        except EOFError:
            self._counts.refused["broken_off"] += 1
            return 0
        if not body:
            # Some describe Mailchimp's check as an empty POST.
            self._counts.validations += 1
            return 200
        if not hook.rate.take():
            raise _Refused(hook.rules.send_again, "too_many_events")
        kept = _kept(scope, signature_header=hook.rules.signature_header)
        if hook.rules.has_bearer:
            signature = "valid" if is_one_of(hook.bearers, told=_bearer(scope)) else "wrong"
        elif hook.rules.has_app_secret:
            signature = _judged_by_app(hook, body=body, headers=kept)
        else:
            signature = self._judge(hook, body=body, headers=kept)
        await self._store(hook, body=body, headers=kept, signature=signature)
        if signature == "wrong":
            raise _Refused(hook.rules.not_believed, "wrong_signature")
        return 200

    async def _body(self, receive: Receive, *, announced: int, rules: ProviderRules) -> bytes:
        """The whole body. EOFError if the sender goes away before its end."""
        most = self._limits.body_bytes
        too_large = _Refused(rules.refusal(413), "body_too_large")
        if announced > most:
            raise too_large
        message: Message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            if len(body) > most:
                raise too_large
            return body
        parts = bytearray()
        while True:
            if message["type"] != "http.request":
                raise EOFError
            parts += message.get("body", b"")
            if len(parts) > most:
                raise too_large
            if not message.get("more_body", False):
                return bytes(parts)
            message = await receive()

    def _judge(self, hook: Hook, *, body: bytes, headers: dict[str, str]) -> str:
        signing_secrets = hook.keys.of(hook.origin)
        if signing_secrets is None:
            return "wrong"
        if not signing_secrets:
            return "unsigned"
        is_valid = is_signed(
            body,
            header=headers.get(hook.rules.signature_header.decode(), ""),
            signing_secrets=signing_secrets,
            now=self._clock(),
            tolerance=self._limits.signature_seconds,
        )
        return "valid" if is_valid else "wrong"

    async def _store(
        self, hook: Hook, *, body: bytes, headers: dict[str, str], signature: str
    ) -> None:
        try:
            await self._writer.append(
                hook.connection,
                provider=hook.provider,
                origin=hook.origin,
                signature=signature,
                headers=headers,
                body=body,
            )
        except LogFull as full:
            raise _Refused(hook.rules.send_again, full.cause) from None
        except OSError:
            raise _Refused(hook.rules.send_again, "write_failed") from None
        self._counts.stored[signature] += 1


def _judged_by_app(hook: Hook, *, body: bytes, headers: dict[str, str]) -> str:
    told = headers.get(hook.rules.signature_header.decode(), "")
    proof = proof_of(body, header=told, secret=hook.app_secret)
    if proof is Proof.BODY_ONLY:
        _log.warning(
            "A notice of %s was signed over its body alone, which is not how it is documented;"
            " it is kept as a hint. If all are, tell the makers of this program.",
            hook.provider,
        )
    return "valid" if proof is Proof.VALID else "wrong"


def _bearer(scope: Scope) -> str:
    """The token of the request, "" without one; it is never kept."""
    told = b"".join(value for name, value in scope["headers"] if name == b"authorization")
    scheme, _, token = told.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _announced(scope: Scope) -> int:
    """The length of the body where the sender says it; the parser has checked its form."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _kept(scope: Scope, *, signature_header: bytes) -> dict[str, str]:
    """The headers that go into the log; several of one name are joined, as HTTP has it."""
    kept: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if raw_name in KEPT_HEADERS or raw_name == signature_header:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            kept[name] = f"{kept[name]},{value}" if name in kept else value
    return kept


async def _answer(send: Send, *, status: int, content: bytes) -> None:
    headers = [(b"content-length", str(len(content)).encode())]
    if content:
        headers.append((b"content-type", b"application/json"))
    if status in (429, 503):
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    elif status == 405:
        headers.append((b"allow", b"GET, HEAD, POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
