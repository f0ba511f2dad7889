"""Requests → decisions → the ledger.

Every door brings its messages here. A request is read, decided and, if nothing stands against it, handed to the
group commit; the caller hears of it when it is on disk. What finds credit at its connector is stored as already on its
way and leaves with the commit.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from heliograph.core import ids, numbers
from heliograph.core.consent import TOPIC
from heliograph.core.decide import Case, Verdict, decide
from heliograph.core.failures import Refusal
from heliograph.core.message import WAITING, Message
from heliograph.core.numbers import Number
from heliograph.core.request import MessageRequest, kind_of, only_one, times
from heliograph.core.segments import forbidden, measure, normalise
from heliograph.core.smart import smart
from heliograph.engine import content
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.ways import Ways
from heliograph.ports import Chance, Clock
from heliograph.store.port import Accept, Idempotency, Ledger, Notice

_VERDICTS_KEPT: Final = 20_000
_TAG_LIMIT: Final = 20
_PLAIN: Final = frozenset(("auto", None))
_encode: Final = msgspec.json.Encoder().encode


class Caller(msgspec.Struct, frozen=True):
    """On whose behalf a request comes: what intake needs to know of a client."""

    client: int
    workspace: int
    environment: int
    default_country: str | None = None


class Draft(msgspec.Struct, gc=False):
    """A request that was decided: the message as it would be, and the decision."""

    message: Message
    verdict: Verdict


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
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._links = links
        self._snapshot = snapshot
        self._told = told
        self._check_url = check_url
        self._event_types = event_types
        self._accepted = accepted
        self._ways = ways
        self._verdicts: dict[tuple[object, ...], tuple[Verdict, int, str]] = {}
        self._verdicts_of: Snapshot | None = None
        self._traces: dict[str, int] = {}
        self._new_decisions: list[tuple[int, str]] = []
        self._good_urls: set[str] = set()

    # -- reading and deciding

    def draft(self, caller: Caller, request: MessageRequest, now: int) -> Draft | Refusal:
        """The message that a request asks for, or why it can't be."""
        snapshot = self._snapshot()
        realm = snapshot.realms[caller.environment]
        number = self._recipient(caller, request, realm)
        if isinstance(number, Refusal):
            return number
        kind = kind_of(request)
        if isinstance(kind, Refusal):
            return kind
        text = self._text(request)
        if isinstance(text, Refusal):
            return text
        sender = request.sender
        if sender is None and (request.from_ is not None or request.sender_id is not None):
            given = only_one(request, ("sender", "from_", "sender_id"))
            if isinstance(given, Refusal):
                return given
            sender = given
        extra = self._extras(request)
        if extra is not None:
            return extra
        encoding, segments = measure(text)
        if request.encoding not in _PLAIN and (refusal := _encoding(request.encoding, encoding)):
            return refusal
        warned: tuple[str, ...] = ()
        if kind in realm.linted or request.dry_run:
            found = content.findings(realm.content, realm.rules, text, kind, number.country, sender)
            if blocked := realm.content.refused(kind, found):
                return content.refusal(blocked)
            warned = tuple(finding.rule for finding in found)
        verdict, decision, plan = self._verdict(
            snapshot, realm, request, number, kind, sender, encoding, segments, warned
        )
        if verdict.refusal is not None:
            return verdict.refusal
        when = times(request, now, kind)
        if isinstance(when, Refusal):
            return when
        return Draft(
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
            ),
            verdict,
        )

    def _recipient(self, caller: Caller, request: MessageRequest, realm: Realm) -> Number | Refusal:
        if request.default_country is not None and not numbers.is_country(request.default_country):
            detail = f"{request.default_country[:20]!r} is not a country code; give two capital letters, such as GB"
            return Refusal("unknown_country", detail, "/default_country")
        number = numbers.parse(request.to, request.default_country or caller.default_country)
        if isinstance(number, numbers.BadNumber):
            return _bad_recipient(number)
        barred = numbers.policy(number)
        if barred is not None:
            return _bad_recipient(barred)
        if realm.mode == "guarded" and number.e164 not in realm.allowlist:
            detail = f"{number.e164} is not on the allowlist of the environment {realm.name!r}, which reaches no others"
            return Refusal("not_on_allowlist", detail, "/to")
        return number

    def _text(self, request: MessageRequest) -> str | Refusal:
        text = request.text
        if text is None or request.body is not None or request.message is not None:
            given = only_one(request, ("text", "body", "message"))
            if isinstance(given, Refusal):
                return given
            if given is None:
                return Refusal("missing_field", "text is missing: say what the message should read", "/text")
            text = given
        if not text:
            return Refusal("empty_text", "text is empty: say what the message should read", "/text")
        if not text.isprintable():
            text = normalise(text)
            if bad := forbidden(text):
                position, character = bad[0]
                what = f"U+{ord(character):04X} at position {position} is a control character that phones can't show"
                return Refusal("forbidden_character", f"{what}; leave it out", "/text")
        elif not text.isascii():
            text = normalise(text)
        return smart(text).text if request.smart_encoding else text

    def _extras(self, request: MessageRequest) -> Refusal | None:
        """The fields that don't change what is sent."""
        if request.callback_url is not None and request.callback_url not in self._good_urls:
            if problem := self._check_url(request.callback_url):
                return Refusal("bad_url", problem, "/callback_url")
            if len(self._good_urls) < 10_000:
                self._good_urls.add(request.callback_url)
        if request.callback_events:
            for index, event in enumerate(request.callback_events):
                if event not in self._event_types:
                    known = ", ".join(sorted(self._event_types))
                    pointer = f"/callback_events/{index}"
                    return Refusal(
                        "unknown_event", f"{event[:40]!r} is not an event type; the types are {known}", pointer
                    )
        if request.topic is not None and not TOPIC.fullmatch(request.topic):
            detail = (
                f"{request.topic[:40]!r} is not a topic: up to 64 small letters, digits, dots, hyphens, underscores"
            )
            return Refusal("bad_topic", detail, "/topic")
        if request.channel not in (None, "sms"):
            return Refusal(
                "unknown_channel",
                f"{request.channel[:40]!r} is not a channel of this gateway; there is sms",
                "/channel",
            )
        if request.tags and (len(request.tags) > _TAG_LIMIT or any(not 0 < len(tag) <= 64 for tag in request.tags)):
            return Refusal("bad_tags", f"at most {_TAG_LIMIT} tags of 1 to 64 characters each", "/tags")
        if request.metadata and len(_encode(request.metadata)) > 4_096:
            return Refusal("metadata_too_large", "metadata may take 4 kB as JSON", "/metadata")
        if request.correlation_id is not None and not 0 < len(request.correlation_id) <= 128:
            return Refusal("bad_correlation_id", "correlation_id takes 1 to 128 characters", "/correlation_id")
        if request.max_segments is not None and not 1 <= request.max_segments <= 255:
            return Refusal("bad_max_segments", "max_segments is a number of parts between 1 and 255", "/max_segments")
        return None

    def _verdict(
        self,
        snapshot: Snapshot,
        realm: Realm,
        request: MessageRequest,
        number: Number,
        kind: str,
        sender: str | None,
        encoding: str,
        segments: int,
        findings: tuple[str, ...],
    ) -> tuple[Verdict, int, str]:
        """Decide, or remember: messages that share all facts share the decision and its trace."""
        if self._verdicts_of is not snapshot or len(self._verdicts) > _VERDICTS_KEPT:
            self._verdicts, self._verdicts_of = {}, snapshot
        test_number = not realm.rehearses and numbers.is_test_number(number.e164)
        particular = number.e164 if realm.looks_at_number else ""
        ballot = self._chance.random() if realm.looks_at_number else 0.0
        tags = tuple(request.tags) if realm.looks_at_tags and request.tags else ()
        minute = self._clock.now_ms() // 60_000 % 1_440 if realm.looks_at_time else 0
        facts = (  # of a case, by place
            number.country,
            number.type,
            number.valid,
            test_number,
            particular,
            kind,
            sender,
            encoding,
            segments,
            request.max_segments,
            ballot,
            tags,
            minute,
            findings,
        )
        known = self._verdicts.get((realm.id, facts))
        if known is None:
            verdict = decide(Case(*facts), realm.rules)
            plan = _encode(verdict.connectors).decode()
            known = self._verdicts[realm.id, facts] = (verdict, self._decision(verdict), plan)
        return known

    def _decision(self, verdict: Verdict) -> int:
        """The row of a trace; equal traces share one."""
        if verdict.refusal is not None:
            return 0
        trace = _encode(verdict.trace).decode()
        number = self._traces.get(trace)
        if number is None:
            if len(self._traces) > _VERDICTS_KEPT:
                self._traces.clear()
            number = self._traces[trace] = self._ledger.next_id("decision")
            self._new_decisions.append((number, trace))
        return number

    # -- keeping

    def take_decisions(self) -> list[tuple[int, str]]:
        """Traces that are not in the ledger yet: who takes them writes them with what points to them."""
        decisions, self._new_decisions = self._new_decisions, []
        return decisions

    def give_back_decisions(self, decisions: Sequence[tuple[int, str]]) -> None:
        """They were not written: the next commit takes them."""
        self._new_decisions += decisions

    def accept(
        self,
        drafts: Sequence[Draft],
        done: Callable[[Accept], None],
        *,
        idempotency: Idempotency | None = None,
        reply: Callable[[Accept], bytes] | None = None,
        all_or_none: bool = False,
        batch: bool = False,
    ) -> None:
        """Keep messages; `done` once they are on disk (or could not be: see Accept)."""
        messages: list[Message] = []
        reserved: list[tuple[Link, Message]] = []
        batch_id = self._ledger.next_id("batch") if batch else None
        next_id, links, process = self._ledger.next_id, self._links, self._ledger.process
        is_troubled = self._ways.is_troubled
        for draft in drafts:
            message = draft.message
            message.id = message.id or next_id("message")  # some know theirs beforehand
            message.batch = batch_id
            if is_troubled and len(draft.verdict.connectors) > 1:
                self._ways.begin(message, draft.verdict.connectors)
            link = links.get(message.connector)
            if message.state == "queued" and link is not None and link.reserve(message):
                message.state, message.owner, message.attempts = "sending", process, 1
                reserved.append((link, message))
            messages.append(message)
        decisions = self.take_decisions()

        def kept(operation: Accept) -> None:
            failed = operation.error is not None or operation.replayed is not None or operation.conflict
            nothing = failed or (all_or_none and bool(operation.refused))
            if nothing:
                self.give_back_decisions(operation.decisions)
            for link, message in reserved:
                if nothing or message.id in operation.refused:
                    link.release(message)
                else:
                    link.hand_over(message)
            if not nothing:
                kept_messages = _without(messages, operation.refused)
                self._accepted(kept_messages)
                self._queue(kept_messages)
                if operation.notices:
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
            )
        )

    def _queue(self, messages: Sequence[Message]) -> None:
        """Tell the links of what waits for them."""
        waiting: dict[tuple[str, int, int], int] = {}
        now = self._clock.now_ms()
        for message in messages:
            if message.owner == WAITING and message.due_at <= now:
                key = (message.connector, message.lane, message.workspace)
                waiting[key] = waiting.get(key, 0) + 1
        for (connector, lane, workspace), count in waiting.items():
            if link := self._links.get(connector):
                link.waits(lane, workspace, count)


def _bad_recipient(why: numbers.BadNumber) -> Refusal:
    hint = f" Did you mean {why.suggestion}?" if why.suggestion else ""
    return Refusal(why.code, why.detail + hint, "/to")


def _without(messages: Sequence[Message], refused: Collection[int]) -> Sequence[Message]:
    return [message for message in messages if message.id not in refused] if refused else messages


def _encoding(wanted: str | None, actual: str) -> Refusal | None:
    if wanted not in ("auto", "gsm7", "ucs2"):
        return Refusal(
            "unknown_encoding", f"{str(wanted)[:20]!r} is not an encoding; there are auto, gsm7 and ucs2", "/encoding"
        )
    if wanted == "gsm7" and actual != "gsm7":
        return Refusal(
            "not_gsm7",
            "the text has characters outside GSM-7; POST /v1/segments shows which, smart_encoding may replace them",
            "/text",
        )
    return None


def public_id(message: Message) -> str:
    return ids.make("msg", message.accepted_at, message.id)
