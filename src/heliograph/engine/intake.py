"""Requests → decisions → the ledger.

Every door brings its messages here. A request is read, decided and, if nothing stands against it, handed to the
group commit; the caller hears of it when it is on disk. What finds credit at its connector is stored as already on its
way and leaves with the commit.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.campaigns import Step
from heliograph.core.channels import SMS
from heliograph.core.charges import Charge
from heliograph.core.decide import Verdict
from heliograph.core.failures import Refusal
from heliograph.core.frequency import FrequencyCap
from heliograph.core.links import ShortLink
from heliograph.core.message import WAITING, Message
from heliograph.core.numbers import Number, network_of
from heliograph.core.prices import Amount
from heliograph.core.quality import Quality
from heliograph.core.request import MessageRequest, Times, kind_of, times
from heliograph.core.segments import measure
from heliograph.engine import channels, content
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.fields import Extras, bad_encoding, recipient, sender_of, text_of
from heliograph.engine.hours import Hours
from heliograph.engine.lookups import Lookups
from heliograph.engine.short_links import asked
from heliograph.engine.spending import BudgetDesk
from heliograph.engine.templates.usable import filled
from heliograph.engine.verdicts import Verdicts
from heliograph.engine.ways import Ways
from heliograph.ports import Chance, Clock
from heliograph.store.port import Accept, Idempotency, Ledger, Notice

_encode: Final = msgspec.json.Encoder().encode
_WHOLE: Final = ("utf-8", 1)  # encoding and segments of what is not cut into parts


class Intake:
    """Turns requests into messages. One for a process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        chance: Chance,
        links: dict[str, Link],
        snapshot: Callable[[], Snapshot],
        told: Callable[[list[Notice]], None],
        check_url: Callable[[str], str | None],
        event_types: frozenset[str],
        accepted: Callable[[Sequence[Message]], None],
        ways: Ways,
        quality: Callable[[], Quality],
        hours: Hours,
        budgets: BudgetDesk,
        lookups: Lookups,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._links = links
        self._snapshot = snapshot
        self._told = told
        self._extras = Extras(check_url, event_types)
        self._accepted = accepted
        self._ways = ways
        self._hours = hours
        self._budgets = budgets
        self.lookups = lookups
        self.asked = 0  # how often somebody else than a campaign wanted messages kept
        self.verdicts = Verdicts(ledger, clock, chance, quality)

    # -- reading and deciding

    def draft(
        self, caller: Caller, request: MessageRequest, now: int, findings: tuple[str, ...] | None = None
    ) -> Draft | Refusal:
        """The message that a request asks for, or why it can't be. `findings`: this very text was looked at before,
        under the same policies, and these rules warn of it."""
        snapshot = self._snapshot()
        realm = snapshot.realms[caller.environment]
        # Each step is asked for what is hoped of it: that something is no `Refusal` costs four times as much to learn.
        wanted = None if request.channel is None else channels.read(request, realm, caller.default_country)
        if wanted is not None and not isinstance(wanted, channels.Wanted):
            return wanted
        number = recipient(request, realm, caller.default_country) if wanted is None else wanted.number
        if not isinstance(number, Number):
            return number
        template = None
        if request.template is not None or request.variables is not None:
            made = filled(request, realm.templates, number.country)
            if isinstance(made, Refusal):
                return made
            request, template = made.request, made.label
        kind = kind_of(request)
        if not isinstance(kind, str):
            return kind
        words = _words(realm, request, caller, kind, now, wanted)
        if not isinstance(words, tuple):
            return words
        said, text, links = words
        sender = sender_of(request)
        if sender is not None and not isinstance(sender, str):
            return sender
        encoding, segments = measure(text) if wanted is None else _WHOLE
        warned = (
            self._extras.wrong(request)
            or (bad_encoding(request, encoding) if wanted is None else wanted.content.wrong(text))
            or (_warned(realm, request, said, kind, number.country, sender, wanted) if findings is None else findings)
        )
        if not isinstance(warned, tuple):
            return warned
        channel = SMS if wanted is None else wanted.channel.name
        verdict, decision, plan = self.verdicts.find(
            snapshot, realm, request, number, kind, sender, encoding, segments, warned, channel
        )
        if verdict.refusal is not None:
            return verdict.refusal
        when = times(request, now, kind)
        if not isinstance(when, Times):
            return when
        if kind in realm.policies.last_kinds and (wanted is None or wanted.channel.by_number):
            found = self._last(realm, number, kind, when, request, verdict)
            if isinstance(found, Refusal):
                return found
            when, verdict = found
            decision = self.verdicts.row_of(verdict)
        draft = Draft(
            Message(  # by place: with this many names it would cost 1.6 µs more
                0,  # id
                caller.workspace,
                caller.environment,
                caller.client,
                now,
                number.e164,
                number.country,
                kind,
                verdict.lane,
                verdict.sender,
                text,
                encoding,
                segments,
                "scheduled" if when.scheduled else "queued",
                now,
                when.due_at,
                when.valid_until,
                verdict.connectors[0],
                plan,
                0,  # attempts
                WAITING,  # owner
                decision,
                None,  # batch
                request.callback_url,
                ",".join(request.callback_events) if request.callback_events else None,
                None,  # callback_format
                _encode(request.tags).decode() if request.tags else None,
                _encode(request.metadata).decode() if request.metadata else None,
                request.correlation_id,
                verdict.price,
                verdict.currency,
                None,  # failure
                None,  # failure_code
                None,  # carrier_code
                None,  # sent_at
                None,  # final_at
                0,  # possible_duplicate
                request.topic,
                request.time_zone,
                template,
                verdict.surcharge,
                None,  # billed_segments
                None if wanted is None else wanted.channel.name,
                None if wanted is None else wanted.kept,
                network_of(number) or None,
            ),
            verdict,
            self._hours.caps(realm, number, kind, request) if kind in realm.policies.capped_kinds else (),
            links=links,
            findings=warned,
        )
        return self._counted(realm, draft) if realm.policies.has_budgets and not request.dry_run else draft

    def _counted(self, realm: Realm, draft: Draft) -> Draft | Refusal:
        """With what it adds to budgets; the ledger says whether there is room."""
        refusal = self._budgets.repeated(realm, draft.message)
        if refusal is None:
            draft.charges = self._budgets.charges(realm, draft.message)
        return refusal or draft

    def _last(
        self, realm: Realm, number: Number, kind: str, when: Times, request: MessageRequest, verdict: Verdict
    ) -> tuple[Times, Verdict] | Refusal:
        """What is asked last: is it a time for this message, and is there a phone for it?"""
        steps = []
        if kind in realm.policies.quiet.kinds:
            appointment = self._hours.appoint(realm, number, kind, when, request)
            if isinstance(appointment, Refusal):
                return appointment
            when = appointment.times
            steps.append(appointment.step)
        if kind in realm.policies.lookup.before:
            step, refusal = self.lookups.judge(realm, number)
            if refusal is not None:
                return refusal
            steps.append(step)
        return when, msgspec.structs.replace(verdict, trace=(*verdict.trace, *steps))

    # -- keeping

    def accept(
        self,
        drafts: Sequence[Draft],
        done: Callable[[Accept], None],
        *,
        idempotency: Idempotency | None = None,
        reply: Callable[[Accept], bytes] | None = None,
        all_or_none: bool = False,
        batch: bool = False,
        step: Step | None = None,
        asks_only: bool = False,
    ) -> None:
        """Keep messages; `done` once they are on disk (or could not be: see Accept)."""
        self.asked += step is None
        messages: list[Message] = []
        reserved: list[tuple[Link, Message]] = []
        caps: dict[int, tuple[FrequencyCap, ...]] = {}
        charges: dict[int, tuple[Charge, ...]] = {}
        short_links: list[ShortLink] = []
        batch_id = self._ledger.next_id("batch") if batch else None
        next_id, links, process = self._ledger.next_id, self._links, self._ledger.process
        is_troubled = self._ways.is_troubled
        for draft in drafts:
            message = draft.message
            message.id = message.id or next_id("message")  # some know theirs beforehand
            message.batch = batch_id or message.batch
            may_go = not is_troubled or self._ways.begin(message, draft.verdict.connectors)
            if draft.charges:
                charges[message.id] = draft.charges
            if draft.links:
                short_links += [link._replace(message=message.id) for link in draft.links]
            link = links.get(message.connector)
            if draft.caps:
                caps[message.id] = draft.caps
            elif not asks_only and may_go and message.state == "queued" and link is not None and link.reserve(message):
                message.state, message.owner, message.attempts = "sending", process, 1
                reserved.append((link, message))
            messages.append(message)
        decisions = self.verdicts.take_rows()

        def kept(operation: Accept) -> None:
            failed = operation.error is not None or operation.replayed is not None or operation.conflict
            nothing = failed or asks_only or (all_or_none and bool(operation.refused))
            if nothing:
                self.verdicts.give_back_rows(operation.decisions)
            for link, message in reserved:
                if nothing or message.id in operation.refused:
                    link.release(message)
                else:
                    link.hand_over(message)
            if not nothing:
                kept_messages = _without(messages, operation.refused)
                self._accepted(kept_messages)
                self._queue(kept_messages)
                if operation.charges:
                    self._budgets.kept(kept_messages)
            if operation.error is None and operation.notices:
                self._told(operation.notices)
            done(operation)

        self._ledger.add(
            Accept(
                done=kept,
                messages=messages,
                decisions=decisions,
                rules=self._snapshot().consent,
                idempotency=idempotency,
                reply=reply,
                all_or_none=all_or_none,
                caps=caps,
                charges=charges,
                links=short_links,
                step=step,
                asks_only=asks_only,
            )
        )

    def repriced(self, message: Message, before: Amount) -> None:
        """A message costs something else than when it was accepted."""
        self._budgets.repriced(message, before)

    def _queue(self, messages: Sequence[Message]) -> None:
        """Tell the links of what waits for them."""
        waiting: dict[tuple[str, int, int], int] = {}
        now = 0
        for message in messages:
            if message.owner == WAITING:
                now = now or self._clock.now_ms()
                if message.due_at <= now:
                    key = (message.connector, message.lane, message.workspace)
                    waiting[key] = waiting.get(key, 0) + 1
        for (connector, lane, workspace), count in waiting.items():
            if link := self._links.get(connector):
                link.waits(lane, workspace, count)


def _warned(
    realm: Realm,
    request: MessageRequest,
    said: str,
    kind: str,
    country: str,
    sender: str | None,
    wanted: channels.Wanted | None,
) -> tuple[str, ...] | Refusal:
    """The content rules that warn of a text, or the refusal of one that forbids it."""
    if kind not in realm.policies.linted and not request.dry_run:
        return ()
    if wanted is not None and not wanted.channel.texts_to_phones:
        return ()
    return content.looked_at(realm.policies.content, realm.rules, said, kind, country, sender)


def _words(
    realm: Realm, request: MessageRequest, caller: Caller, kind: str, now: int, wanted: channels.Wanted | None
) -> tuple[str, str, tuple[ShortLink, ...]] | Refusal:
    """The text as it was given, the text as it goes out, and the short links in it."""
    if wanted is not None and wanted.content.speaks and request.text is None:
        return "", "", ()
    text = text_of(request)
    if not isinstance(text, str):
        return text
    policy = realm.policies.links
    if kind not in policy.kinds and request.shorten_links is None:
        return text, text, ()
    shorten = asked(policy, request.shorten_links, kind)
    if isinstance(shorten, Refusal):
        return shorten
    if not shorten:
        return text, text, ()
    return text, *policy.shortened(text, caller.workspace, caller.environment, now)


def _without(messages: Sequence[Message], refused: Collection[int]) -> Sequence[Message]:
    return [message for message in messages if message.id not in refused] if refused else messages


def public_id(message: Message) -> str:
    return ids.make("msg", message.accepted_at, message.id)
