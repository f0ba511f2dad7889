"""STOP, START, HELP: what a phone's message wants is recorded before the carrier hears that we have it.

A STOP holds from the commit of its entry, for every workspace that texted the person from the number that was answered.
It is confirmed once, after everything that was on its way has left; HELP is answered; neither is ever sent where the
provider itself does so. What may be a no is nothing that anybody is told about: it waits for review.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.core import consent, keywords, numbers
from heliograph.core.channels import SMS, channel_of
from heliograph.core.channels.whatsapp import PREFIX
from heliograph.core.consent import ConsentPolicy, Stance
from heliograph.core.failures import Refusal
from heliograph.core.keywords import Reading
from heliograph.core.message import LANES, Inbound
from heliograph.core.request import MessageRequest
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.engine.people import record
from heliograph.engine.people.quiescence import quiet
from heliograph.engine.people.record import Said
from heliograph.ports import Clock
from heliograph.store.port import Ledger

_REPLY_FOR_S: Final = 300  # an answer that is late by more has no use
_HELP_AGAIN_MS: Final = 600_000
_OURSELVES: Final = 0  # no client asked for our answers
_ACTOR: Final = "keyword"


class Heard(msgspec.Struct, frozen=True):
    """A message from a phone, who it is from, and what it wants."""

    message: Inbound
    realm: Realm
    person: str  # in E.164, where that can be told
    country: str
    reading: Reading

    @property
    def wants_something(self) -> bool:
        return self.reading.action != keywords.NONE


class KeywordDesk:
    """Obeys what phones say. One for a process."""

    def __init__(self, ledger: Ledger, clock: Clock, snapshot: Callable[[], Snapshot], intake: Intake) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = snapshot
        self._intake = intake

    def hear(self, message: Inbound, realm: Realm) -> Heard:
        """What does it want?"""
        person, country = _person(message)
        words = realm.policies.keywords
        reading = keywords.read(message.text, languages=words.languages, country=country, custom=words.custom)
        return Heard(message, realm, person, country, reading)

    async def obey(self, heard: Heard) -> bool:
        """Record it wherever it counts; is it to be answered? What was obeyed before is left as it is."""
        message = heard.message
        if message.carrier_id is not None and await self._ledger.fetch(
            "SELECT 1 FROM inbound WHERE connector = $1 AND carrier_id = $2", message.connector, message.carrier_id
        ):
            return False
        is_answered = await self._record(heard, heard.realm)
        for other in await self._others(heard):
            await self._record(heard, other)
        return is_answered

    async def answer(self, heard: Heard) -> None:
        """Who is told that nothing more comes shall not get anything afterwards."""
        if heard.reading.action == keywords.OPT_OUT:
            await quiet(self._ledger, self._clock, [heard.realm.workspace], heard.person)
        self._reply(heard)

    async def _others(self, heard: Heard) -> list[Realm]:
        """Environments of other workspaces that texted this person from the number that was answered."""
        snapshot, found = self._snapshot(), []
        for workspace in snapshot.workspaces.values():
            if workspace != heard.realm.workspace and heard.reading.action == consent.OPT_OUT:
                rows = await self._ledger.fetch(
                    "SELECT environment FROM messages WHERE workspace = $1 AND to_number = $2 AND sender = $3 LIMIT 1",
                    *(workspace, heard.person, heard.message.to),
                )
                found += [snapshot.realms[row[0]] for row in rows if row[0] in snapshot.realms]
        return found

    async def _record(self, heard: Heard, realm: Realm) -> bool:
        """Add the entry; is there anything to answer?"""
        before = await record.stances_of(self._ledger, realm.workspace, heard.person)
        action = _action(heard.reading, before)
        if action is None:
            return False
        if action == consent.HELP and await self._was_helped(heard, realm):
            return False
        message = heard.message
        said = Said(
            address=heard.person,
            action=action,
            scope=await self._scope(heard, realm),
            source=consent.KEYWORD,
            at=message.at,
            channel=channel_of(message.to) or SMS,
            language=heard.reading.language or None,
            text=message.text,
            detail={"sender": message.to, "connector": message.connector, "rule": heard.reading.rule},
        )
        change = (await record.record(self._ledger, realm.workspace, realm.id, [said], actor=_ACTOR, now=message.at))[0]
        if action == consent.OPT_OUT:
            return _out(change.before) != _out(change.after) or not await self._was_confirmed(heard, realm)
        if action == consent.OPT_IN:  # a machine may answer our welcome with another START
            return bool(_out(change.before)) or not any(one.given_at for one in change.before)
        return action != consent.DOUBT

    async def _was_confirmed(self, heard: Heard, realm: Realm) -> bool:
        """Have we told them since they last said yes? If not, we died before we could."""
        rows = await self._ledger.fetch(
            "SELECT 1 FROM messages WHERE workspace = $1 AND to_number = $2 AND topic = $3 AND accepted_at >= ("
            "SELECT coalesce(max(recorded_at), 0) FROM consents WHERE workspace = $1 AND number = $2 "
            "AND action IN ('opt_in', 'confirmed')) LIMIT 1",
            *(realm.workspace, heard.person, f"{consent.OURS}{consent.OPT_OUT}"),
        )
        return bool(rows)

    async def _was_helped(self, heard: Heard, realm: Realm) -> bool:
        """Two machines that ask each other for help would go on for ever."""
        rows = await self._ledger.fetch(
            "SELECT 1 FROM consents WHERE workspace = $1 AND number = $2 AND action = 'help' AND at > $3 LIMIT 1",
            *(realm.workspace, heard.person, heard.message.at - _HELP_AGAIN_MS),
        )
        return bool(rows)

    async def _scope(self, heard: Heard, realm: Realm) -> str:
        """What it covers: what the person named, else what the workspace's rule for STOP says."""
        reading, rule = heard.reading, realm.policies.consent.stop_scope
        if reading.scope == keywords.TOPIC:
            return reading.topic if reading.topic in LANES else consent.topic_scope(reading.topic)
        if reading.action != keywords.OPT_OUT or (reading.scope_named and reading.scope == keywords.ALL):
            return consent.EVERYTHING
        if reading.scope == keywords.SENDER or rule == "sender":
            return consent.sender_scope(heard.message.to)
        if rule == "topic":
            rows = await self._ledger.fetch(
                "SELECT topic FROM messages WHERE workspace = $1 AND to_number = $2 AND sender = $3 "
                "ORDER BY id DESC LIMIT 1",
                *(realm.workspace, heard.person, heard.message.to),
            )
            if rows and rows[0][0] and not rows[0][0].startswith(consent.OURS):
                return consent.topic_scope(rows[0][0])
        return consent.EVERYTHING

    def _reply(self, heard: Heard) -> None:
        """Answer from the number that was texted; where that can't be, nobody is answered."""
        realm, message = heard.realm, heard.message
        connector = self._snapshot().connectors.get(message.connector)
        if not realm.policies.consent.replies or (connector is not None and connector.handles_opt_out):
            return
        request = MessageRequest(
            to=heard.person,
            text=_answer(heard, realm.policies.consent),
            sender=message.to,
            channel=channel_of(message.to),
            kind="transactional",
            valid_for=_REPLY_FOR_S,
        )
        caller = Caller(_OURSELVES, realm.workspace, realm.id)
        draft = self._intake.draft(caller, request, message.at)
        if not isinstance(draft, Refusal):
            draft.message.topic = f"{consent.OURS}{heard.reading.action}"
            self._intake.accept([draft], lambda operation: None)


def _person(message: Inbound) -> tuple[str, str]:
    """The sender in E.164 and its country; a national form is read as one of the country of the number of ours that
    they texted. What no number can be made of stays as it came."""
    number = numbers.parse(message.sender, None)
    if isinstance(number, numbers.BadNumber):
        ours = numbers.parse(message.to, None)
        home = None if isinstance(ours, numbers.BadNumber) else ours.country
        number = numbers.parse(message.sender, home) if home else number
    if isinstance(number, numbers.BadNumber) and number.suggestion:
        number = numbers.parse(number.suggestion, None)
    return (message.sender, "") if isinstance(number, numbers.BadNumber) else (number.e164, number.country)


def _action(reading: Reading, before: list[Stance]) -> str | None:
    """What is recorded of it; None: nothing."""
    if reading.action == keywords.OPT_OUT:
        return consent.DOUBT if reading.review else consent.OPT_OUT
    if reading.action == keywords.HELP:
        return consent.HELP
    is_asked = any(one.out_at is not None or (one.given_at and not one.confirmed_at) for one in before)
    return consent.OPT_IN if is_asked or not reading.only_if_asked else None


def _out(stances: list[Stance]) -> set[str]:
    return {stance.scope for stance in stances if stance.out_at is not None}


def _answer(heard: Heard, policy: ConsentPolicy) -> str:
    brand = policy.brand or heard.realm.workspace_name[: keywords.BRAND_LETTERS_MAX]
    return keywords.confirmation(
        heard.reading.action, heard.reading.language, brand, policy.contact or heard.message.to.removeprefix(PREFIX)
    )
