"""What stands between a ledger's rows and who should not read or change them: sealed texts, keyed hashes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from heliograph.core.links import ShortLink
from heliograph.core.message import Event, Message

_TEXT_PLACE: Final = Message.__struct_fields__.index("text")
_CONTENT_PLACE: Final = Message.__struct_fields__.index("content")
MARK: Final = "\uffff"  # a sealed text begins with it; no character that anybody may send


async def _nothing() -> None:
    return None


class Protection:
    """What the composition root gives a ledger against prying and meddling, before the first transaction.

    Texts are plain in memory and, when they are to be sealed, not so in the ledger: everything that writes or reads
    one goes through here. `place` names the row, so that a sealed text opens nowhere else.
    """

    __slots__ = ("audit_key", "hash_code", "hash_number", "open", "refresh", "seal")

    def __init__(self) -> None:
        self.audit_key = b""  # of the audit log's chain
        self.seal: Callable[[int, str, str], str] | None = None  # (workspace, place, text); None: texts stay plain
        self.open: Callable[[int, str, str], str | None] = lambda workspace, place, text: None  # None: it can't be
        self.hash_number: Callable[[int, str], str] = lambda workspace, number: ""  # keyed; of people who were erased
        self.hash_code: Callable[[int, str, str], str] = lambda workspace, salt, code: ""  # keyed; of one-time codes
        self.refresh: Callable[[], Awaitable[None]] = _nothing  # the keys may have changed

    def row_of(self, message: Message) -> tuple[Any, ...]:
        """A message as it is kept."""
        row = msgspec.structs.astuple(message)
        if self.seal is None or message.text is None:
            return row
        sealed = self.seal(message.workspace, f"message {message.id}", message.text)
        kept = (*row[:_TEXT_PLACE], sealed, *row[_TEXT_PLACE + 1 :])
        if message.content is None:
            return kept
        content = self.seal(message.workspace, f"content {message.id}", message.content)
        return (*kept[:_CONTENT_PLACE], content, *kept[_CONTENT_PLACE + 1 :])

    def opened(self, message: Message) -> Message:
        """A message that was read, its text plain; None where a sealed one can't be opened."""
        text = message.text
        if text is not None and text[:1] == MARK:
            message.text = self.open(message.workspace, f"message {message.id}", text)
            if message.content is not None:
                message.content = self.open(message.workspace, f"content {message.id}", message.content)
        return message

    def kept(self, workspace: int, place: str, text: str | None) -> str | None:
        """Any other text as it is kept: of a phone's message, of an event that belongs to no message of ours."""
        return text if self.seal is None or text is None else self.seal(workspace, place, text)

    def link_row(self, link: ShortLink) -> ShortLink:
        """A short link as it is kept: what it leads to may tell of a person."""
        sealed = self.kept(link.workspace, f"link {link.token}", link.url)
        return link if sealed is None else link._replace(url=sealed)

    def read(self, workspace: int, place: str, text: str | None) -> str | None:
        return self.open(workspace, place, text) if text is not None and text[:1] == MARK else text

    def event(self, values: Sequence[Any]) -> Event:
        """An event that was read."""
        event = Event(*values)
        if event.data is not None and event.data[0] == MARK:
            event.data = self.open(event.workspace, f"event {event.seq}", event.data)
        return event
