"""A message as octets: headers, the text, and the text with its looks beside it. Pure."""

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, NamedTuple

from heliograph.core.channels.email import content_of, split_sender
from heliograph.core.message import Message

_POLICY: Final = policy.SMTP.clone(cte_type="7bit", max_line_length=76)


class Letter(NamedTuple):
    """What goes to the relay."""

    sender: str
    to: str
    octets: bytes


def letter(message: Message, default_sender: str, ref: str, leave_url: str | None, now_ms: int) -> Letter:
    """`ref` names the attempt's message for the relay; `leave_url` is where its recipient says no with one click."""
    named = split_sender(message.sender or default_sender)
    if named is None:
        raise ValueError(f"{message.sender!r} is no sender of e-mail")
    name, address = named
    local, _, domain = address.rpartition("@")
    content = content_of(message.content)
    made = EmailMessage(policy=_POLICY)
    made["From"] = Address(display_name=name, username=local, domain=domain)
    made["To"] = message.to
    made["Subject"] = content.subject
    made["Date"] = format_datetime(datetime.fromtimestamp(now_ms // 1_000, UTC))
    made["Message-ID"] = f"<{ref}@{domain}>"
    if content.reply_to is not None:
        made["Reply-To"] = content.reply_to
    if leave_url is not None:  # RFC 8058: one click, no page
        made["List-Unsubscribe"] = f"<{leave_url}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(message.text or "")
    if content.html is not None:
        made.add_alternative(content.html, subtype="html")
    return Letter(address, message.to, made.as_bytes())
