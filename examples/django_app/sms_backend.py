"""A backend in the shape of Django's for e-mail, as the package django-sms has it: `SMS_BACKEND` names this class.

    from sms import send_sms
    send_sms("Your parcel is here", "Acme", ["+447700900123"])

It needs nothing of that package: whatever has `body`, `originator` and `recipients` can be sent.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from examples.django_app.gateway import ask


class Message(Protocol):
    body: str
    originator: str | None
    recipients: list[str]


class Refused(Exception):
    """The gateway did not take a message."""


class SmsBackend:
    """Each call is one batch; a recipient that can't be texted does not keep the others from theirs."""

    def __init__(self, fail_silently: bool = False, **_: Any) -> None:
        self.fail_silently = fail_silently

    def __enter__(self) -> "SmsBackend":
        return self

    def __exit__(self, *_: object) -> None: ...

    def open(self) -> bool:
        return True

    def close(self) -> None: ...

    def send_messages(self, messages: Iterable[Message]) -> int:
        """How many were taken."""
        texts = [
            {"to": to, "text": one.body, **({"sender": one.originator} if one.originator else {})}
            for one in messages
            for to in one.recipients
        ]
        if not texts:
            return 0
        status, said = ask("/v1/messages/batch", {"messages": texts})
        refused = [one for one in said.get("data", []) if "id" not in one] if status < 300 else [said]
        if refused and not self.fail_silently:
            raise Refused(refused)
        return len(texts) - len(refused) if status < 300 else 0
