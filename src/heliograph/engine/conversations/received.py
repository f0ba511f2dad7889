"""Messages from phones as they are read."""

from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.views import moment
from heliograph.store.port import Ledger, Row

_COLUMNS: Final = "id, at, from_number, to_number, text, connector, settled_at, found"
_NOTHING: Final = "{}"


class InboundView(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """A message from a phone as the public API shows it. What is found out about it is there a moment later."""

    id: str
    from_: str
    to: str
    text: str | None
    connector: str
    received_at: str
    settled_at: str | None
    conversation: str | None = None
    contact: str | None = None
    in_reply_to: str | None = None
    tags: list[str] = []
    team: str | None = None
    rules: list[str] = []
    keyword: Any = None
    opt_out: bool = False
    flow: str | None = None


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to."""

    from_number: str | None = None
    to_number: str | None = None
    after: int | None = None
    before: int | None = None


async def page(
    ledger: Ledger, workspace: int, environment: int, narrowed: Narrowed, below: int | None, limit: int
) -> tuple[list[InboundView], str | None]:
    """The newest first, and the next page's cursor."""
    conditions = ["workspace = $1", "environment = $2", "id < $3"]
    values: list[Any] = [workspace, environment, 1 << 62 if below is None else below, limit + 1]
    for condition, value in (
        ("from_number = ${}", narrowed.from_number),
        ("to_number = ${}", narrowed.to_number),
        ("at >= ${}", narrowed.after),
        ("at < ${}", narrowed.before),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(len(values)))
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM inbound WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT $4", *values
    )
    found = [_view(ledger, workspace, row) for row in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None


async def find(ledger: Ledger, workspace: int, environment: int, public: str) -> InboundView | None:
    place = ids.parse("inb", public)
    if place is None:
        return None
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM inbound WHERE id = $1 AND workspace = $2 AND environment = $3 AND at = $4",
        *(place[1], workspace, environment, place[0]),
    )
    return _view(ledger, workspace, rows[0]) if rows else None


def _view(ledger: Ledger, workspace: int, row: Row) -> InboundView:
    number, at, sender, to, text, connector, settled_at, found = row
    return InboundView(
        id=ids.make("inb", at, number),
        from_=sender,
        to=to,
        text=ledger.protection.read(workspace, f"inbound {number}", text),
        connector=connector,
        received_at=moment(at),
        settled_at=None if settled_at is None else moment(settled_at),
        **msgspec.json.decode(found or _NOTHING),
    )
