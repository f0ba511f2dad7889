"""Fills audiences: from a CSV file that arrives in pieces, or with the contacts that fit filters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from heliograph.core import consent, numbers
from heliograph.core.audiences import BadFile, Fault, Filter, Header, Recipient, Records, belongs
from heliograph.core.consent import Rulebook, Stance
from heliograph.core.failures import Refusal, Refused
from heliograph.core.numbers import Number
from heliograph.products.campaigns import audiences
from heliograph.products.campaigns.audiences import PIECE, Audience
from heliograph.store.port import Ledger, Row

_STANCE: Final = ", ".join(Stance.__struct_fields__)
_CONTACT: Final = (
    "a.id, a.address, c.name, c.locale, c.time_zone, c.external_id, c.attributes "
    "FROM contact_addresses a JOIN contacts c ON c.id = a.contact"
)


async def from_csv(
    ledger: Ledger,
    audience: Audience,
    pieces: AsyncIterator[bytes],
    *,
    variables: Sequence[str] | None,
    default_country: str | None,
    actor: str,
    now: int,
) -> Audience:
    """Read a file to its end. Raises `Refused` where it can't be read any further; then the audience is broken."""
    reading = _Reading(ledger, audience, variables, default_country)
    try:
        async for piece in pieces:
            await reading.feed(piece)
        await reading.feed(b"", last=True)
        if reading.header is None:
            raise BadFile(Refusal("bad_csv", "the file is empty; its first line names the columns"))
    except BaseException as error:
        await asyncio.shield(audiences.break_off(ledger, audience))
        if isinstance(error, BadFile):
            raise Refused(error.refusal) from None
        raise
    return await audiences.finish(ledger, audience, reading.header.variables, actor=actor, now=now)


class _Reading:
    def __init__(
        self, ledger: Ledger, audience: Audience, variables: Sequence[str] | None, default_country: str | None
    ) -> None:
        self._ledger = ledger
        self._audience = audience
        self._wanted = variables
        self._country = default_country
        self._records = Records()
        self._found: list[Recipient | Fault] = []
        self.header: Header | None = None

    async def feed(self, piece: bytes, *, last: bool = False) -> None:
        for line, cells in self._records.feed(piece, last=last):
            if self.header is None:
                self.header = Header(cells, self._wanted)
                continue
            self._found.append(self.header.read(line, cells, self._country))
            if len(self._found) >= PIECE:
                await self._keep()
        if last:
            await self._keep()

    async def _keep(self) -> None:
        if self._found:
            found, self._found = self._found, []
            await audiences.add(self._ledger, self._audience, found)


async def from_contacts(
    ledger: Ledger, audience: Audience, filters: Sequence[Filter], rules: Rulebook, *, actor: str, now: int
) -> Audience:
    """Take in every contact that fits, by each of their numbers. What they have agreed to is asked of the record."""
    purposes = [one.is_ or "promotional" for one in filters if one.field == "consent"]
    names: set[str] = set()
    above = 0
    try:
        while rows := await ledger.fetch(
            f"SELECT {_CONTACT} WHERE a.workspace = $1 AND a.until IS NULL AND a.id > $2 AND a.address LIKE '+%' "
            "ORDER BY a.id LIMIT $3",
            *(audience.workspace, above, PIECE),
        ):
            above = rows[-1][0]
            fitting = [(row, number) for row in rows if (number := _fits(row, filters)) is not None]
            for purpose in purposes:
                fitting = await _agreed(ledger, audience, fitting, purpose, rules, now)
            found = [_recipient(row) for row, _ in fitting]
            names.update(name for one in found for name in msgspec.json.decode(one.variables or "{}"))
            await audiences.add(ledger, audience, found)
    except BaseException:
        await asyncio.shield(audiences.break_off(ledger, audience))
        raise
    return await audiences.finish(ledger, audience, sorted(names), actor=actor, now=now)


def _fits(row: Row, filters: Sequence[Filter]) -> Number | None:
    number = numbers.parse(row[1])
    if not isinstance(number, Number) or numbers.policy(number) is not None:
        return None
    fields = dict(zip(("name", "locale", "time_zone", "external_id"), row[2:6], strict=True))
    attributes = {f"attributes.{name}": value for name, value in msgspec.json.decode(row[6]).items()}
    return number if belongs(filters, {**fields, **attributes, "country": number.country}) else None


def _recipient(row: Row) -> Recipient:
    known = {"name": row[2], "locale": row[3], "external_id": row[5]}
    variables = {**msgspec.json.decode(row[6]), **{name: value for name, value in known.items() if value}}
    return Recipient(row[0], row[1], row[4], msgspec.json.encode(variables).decode() if variables else None)


async def _agreed(
    ledger: Ledger, audience: Audience, found: list[tuple[Row, Number]], purpose: str, rules: Rulebook, now: int
) -> list[tuple[Row, Number]]:
    """Those to whom a message of this purpose, a kind or a topic, may go as far as the record says."""
    if not found:
        return found
    addresses = [row[1] for row, _ in found]
    marks = ", ".join(f"${place}" for place in range(2, len(addresses) + 2))
    stances: dict[str, list[Stance]] = {}
    for number, *stance in await ledger.fetch(
        f"SELECT number, {_STANCE} FROM stances WHERE workspace IN ($1, 0) AND number IN ({marks})",
        *(audience.workspace, *addresses),
    ):
        stances.setdefault(number, []).append(Stance(*stance))
    kind = purpose if purpose in ("promotional", "transactional", "support") else "promotional"
    topic = None if purpose == kind else purpose

    def may(row: Row, number: Number) -> bool:
        need = rules.need(audience.environment, kind, number.country)
        return consent.rule(need, kind, topic, None, stances.get(row[1], ()), now).refusal is None

    return [(row, number) for row, number in found if may(row, number)]
