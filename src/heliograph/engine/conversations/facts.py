"""What is known of a message from a phone before its rules are asked: whose it is, and what it answers."""

from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.message import Inbound
from heliograph.core.prices import Amount
from heliograph.engine.declared import Realm
from heliograph.engine.people import contacts
from heliograph.engine.people.contacts import Contact
from heliograph.engine.people.keywords import Heard
from heliograph.store.port import Ledger

_DAY_MS: Final = 86_400_000
_ECHOES: Final = 5  # so many of our latest texts may come back


class Known(msgspec.Struct, frozen=True):
    """A message from a phone, and what there is to know about it."""

    number: int
    heard: Heard
    contact: Contact | None
    answers: str | None  # the id of our message that it answers
    begins_at: int  # when that was accepted, else when it came
    sent: tuple[str, ...]  # what we wrote to the person last
    cost: Amount
    is_obeyed: bool  # it was a STOP or the like: there is nothing left to do about it

    @property
    def message(self) -> Inbound:
        return self.heard.message

    @property
    def realm(self) -> Realm:
        return self.heard.realm

    @property
    def order(self) -> tuple[str, str, int]:
        """By thread, and within it as they came."""
        return self.heard.person, self.message.to, self.number

    @property
    def languages(self) -> frozenset[str]:
        locale = (self.contact.locale or "") if self.contact else ""
        return frozenset(filter(None, (self.heard.reading.language, locale.partition("-")[0].lower())))


async def know(ledger: Ledger, number: int, heard: Heard, cost: Amount) -> Known:
    """Look it up."""
    realm, message = heard.realm, heard.message
    rows = await ledger.fetch(
        "SELECT id, accepted_at, text FROM messages WHERE workspace = $1 AND environment = $2 AND to_number = $3 "
        "AND sender = $4 AND attempts > 0 AND accepted_at <= $5 AND accepted_at > $6 "
        f"ORDER BY accepted_at DESC, id DESC LIMIT {_ECHOES}",
        *(realm.workspace, realm.id, heard.person, message.to, message.at),
        message.at - realm.policies.inbound.answers_for_days * _DAY_MS,
    )
    read = ledger.protection.read
    texts = (read(realm.workspace, f"message {row[0]}", row[2]) for row in rows)
    return Known(
        number,
        heard,
        await contacts.of_address(ledger, realm.workspace, heard.person),
        ids.make("msg", rows[0][1], rows[0][0]) if rows else None,
        rows[0][1] if rows else message.at,
        tuple(text for text in texts if text is not None),
        cost,
        await _is_obeyed(ledger, heard),
    )


async def _is_obeyed(ledger: Ledger, heard: Heard) -> bool:
    """A doubt needs a person to look. A YES means something only if something was asked: the record tells."""
    reading = heard.reading
    if not heard.wants_something or reading.review:
        return False
    if not reading.only_if_asked:
        return True
    return bool(
        await ledger.fetch(
            "SELECT 1 FROM consents WHERE workspace = $1 AND number = $2 AND at = $3 AND source = 'keyword' LIMIT 1",
            *(heard.realm.workspace, heard.person, heard.message.at),
        )
    )
