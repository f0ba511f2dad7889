"""Writes a campaign's messages: recipients in, drafts of the engine out, with what keeps some of them from it.

A message of a campaign is an ordinary promotional (or other) message: every rule of intake holds. It bears the batch of
its variant, by which progress is counted, and the tag `campaign:NAME`, by which people find it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from heliograph.core import numbers, quiet, zones
from heliograph.core.audiences import Recipient
from heliograph.core.campaigns import CampaignSpec, variant_of
from heliograph.core.failures import Refusal
from heliograph.core.numbers import Number
from heliograph.core.quiet import Rule
from heliograph.core.request import DEFAULT_VALIDITY_MS, MessageRequest
from heliograph.core.templates import BadValue, MissingVariable, compile_text
from heliograph.core.views import moment
from heliograph.core.zones import Place
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.intake import Intake
from heliograph.products.campaigns.register import Campaign

MISSING: Final = "missing_variable"
BAD: Final = "bad_variable"
LATE: Final = "too_late"
NO_WINDOW: Final = "no_window"
_MINUTE_MS: Final = 60_000
_PLACES_KEPT: Final = 20_000
_values: Final = msgspec.json.Decoder(dict[str, str]).decode


class Looked(msgspec.Struct, frozen=True):
    """What the content rules say of every text of a campaign. It holds as long as what is declared does: neither the
    campaign's texts nor its audience can change."""

    version: int  # of the snapshot under which they were looked at
    findings: tuple[str, ...]


class Written(msgspec.Struct):
    """What came of some rows."""

    drafts: list[Draft] = msgspec.field(default_factory=list)
    refusals: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)  # (batch, code) → how many


class Writer:
    """Writes for one campaign, in one process."""

    def __init__(
        self, intake: Intake, campaign: Campaign, batches: Mapping[str, int], version: Callable[[], int]
    ) -> None:
        """`version`: of what is declared now."""
        spec = campaign.asked
        self._intake = intake
        self._campaign = campaign.id
        self._spec = spec
        self._batches = batches
        self._texts = {variant.name: compile_text(variant.text) for variant in spec.texts}
        self._caller = Caller(campaign.client, campaign.workspace, campaign.environment)
        self._tags = [f"campaign:{spec.name}", *spec.tags]
        self._looked = None if campaign.looked is None else msgspec.json.decode(campaign.looked, type=Looked)
        self._version = version
        self._window = _Window(spec)
        self._ends = spec.ends
        self._ends_at = moment(self._ends) if self._ends is not None else None

    def write(self, recipients: Sequence[Recipient], now: int, *, rest: str | None, written: Written) -> None:
        """Draft messages for those whose turn it is. `rest`: the variant of those on whom none is tried; None while
        that is not yet known, and they are left for later."""
        is_second = rest is not None and self._spec.winner is not None
        for recipient in recipients:
            tried = variant_of(self._campaign, recipient.number, self._spec)
            if (tried is None) != is_second:
                continue
            variant = tried or rest
            assert variant is not None
            found = self.one(variant, recipient, now)
            if isinstance(found, Draft):
                written.drafts.append(found)
            else:
                written.refusals[self._batches[variant], found] += 1

    def one(self, variant: str, recipient: Recipient, now: int) -> Draft | str:
        """The message of one recipient, or the code of what stands against it."""
        values = _values(recipient.variables) if recipient.variables is not None else {}
        try:
            text = self._texts[variant].render(values)
        except MissingVariable:
            return MISSING
        except BadValue:
            return BAD
        due_at = self._window.opens(recipient, now)
        if due_at is None:
            return NO_WINDOW
        if self._ends is not None and due_at >= self._ends:
            return LATE
        looked = self._looked
        findings = looked.findings if looked is not None and looked.version == self._version() else None
        draft = self._intake.draft(self._caller, self._request(recipient, text, due_at, now), now, findings)
        if isinstance(draft, Refusal):
            return draft.code
        draft.message.batch = self._batches[variant]
        return draft

    def _request(self, recipient: Recipient, text: str, due_at: int, now: int) -> MessageRequest:
        spec = self._spec
        bound = self._ends is not None and self._ends < due_at + DEFAULT_VALIDITY_MS[spec.kind]
        return MessageRequest(
            to=recipient.number,
            text=text,
            sender=spec.sender,
            kind=spec.kind,
            send_at=moment(due_at) if due_at > now else None,
            valid_until=self._ends_at if bound else None,
            time_zone=recipient.time_zone,
            max_segments=spec.max_segments,
            topic=spec.topic,
            tags=self._tags,
        )


class _Window:
    """The campaign's own hours, in the recipient's local time; quiet hours hold beside them."""

    def __init__(self, spec: CampaignSpec) -> None:
        self._rules = (Rule("window", quiet.windows(spec.window)),) if spec.window is not None else ()
        self._known: dict[Place, int | None] = {}
        self._minute = 0

    def opens(self, recipient: Recipient, now: int) -> int | None:
        """When its message may go: now, or at the next opening; None: never."""
        if not self._rules:
            return now
        number = numbers.parse(recipient.number)
        if not isinstance(number, Number):
            return now  # intake says what is wrong
        minute = now // _MINUTE_MS
        if minute != self._minute or len(self._known) > _PLACES_KEPT:
            self._known, self._minute = {}, minute
        place = zones.locate(number, recipient.time_zone)
        if place not in self._known:
            answer = quiet.look(minute * _MINUTE_MS, place.zones, self._rules)
            self._known[place] = now if answer.allowed else answer.until
        at = self._known[place]
        return at if at is None else max(at, now)
