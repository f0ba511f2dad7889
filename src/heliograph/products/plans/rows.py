"""A run of a plan and its steps as rows, and as the API and its events show them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.lifecycle import CANCELED, READ
from heliograph.core.plans import SKIPPED, PlanStep, Tried
from heliograph.core.request import MessageRequest
from heliograph.core.views import moment
from heliograph.store.port import Row

PREFIX: Final = "run"


class Way(msgspec.Struct, frozen=True):
    """A step of a run: with its place in the plan, and the address that it goes to."""

    place: int
    step: PlanStep
    to: str | None  # None: the person has none for this channel


class Asked(msgspec.Struct, frozen=True):
    """What a run needs to go on; forgotten with its end."""

    request: dict[str, Any]  # a MessageRequest, without the plan
    default_country: str | None
    ways: tuple[Way, ...]

    @property
    def message(self) -> MessageRequest:
        return msgspec.convert(self.request, MessageRequest)


class Run(msgspec.Struct):
    """The columns, in their order."""

    id: int
    workspace: int
    environment: int
    client: int
    plan: str | None
    to: str
    kind: str
    asked: str | None
    state: str
    next_at: int | None
    reached_by: int | None
    created_at: int
    ended_at: int | None

    @property
    def public_id(self) -> str:
        return ids.make(PREFIX, self.created_at, self.id)


COLUMNS: Final = tuple("to_address" if name == "to" else name for name in Run.__struct_fields__)
SELECT: Final = ", ".join(COLUMNS)


class Step(msgspec.Struct):
    """A step that was begun, with what its message says at present."""

    place: int
    channel: str
    to: str | None
    goal: str
    within_ms: int | None
    begun_at: int
    message: int | None
    reason: str | None
    seen: str
    state: str | None
    accepted_at: int | None
    connector: str | None
    price: str | None
    currency: str | None
    sent_at: int | None
    final_at: int | None

    @property
    def tried(self) -> Tried:
        is_skipped = self.reason is not None and self.state in (None, CANCELED)
        state = SKIPPED if is_skipped else self.state or ""
        return Tried(self.goal, self.within_ms, self.begun_at, state)


STEPS: Final = (
    "SELECT s.place, s.channel, s.to_address, s.goal, s.within_ms, s.begun_at, s.message, s.reason, s.seen, "
    "m.state, m.accepted_at, m.connector, m.price, m.currency, m.sent_at, m.final_at "
    "FROM plan_steps s LEFT JOIN messages m ON m.id = s.message WHERE s.run = $1 ORDER BY s.place"
)


def step_of(row: Row) -> Step:
    return Step(*row)


class StepView(msgspec.Struct):
    """One way that was tried. `took_ms`: from its beginning until it reached the person."""

    channel: str
    to: str | None
    status: str
    reason: str | None
    message_id: str | None
    connector: str | None
    price: str | None
    currency: str | None
    begun_at: str
    sent_at: str | None
    took_ms: int | None


class RunView(msgspec.Struct):
    """A run as the public API and webhooks show it."""

    id: str
    plan: str | None
    status: str
    to: str
    kind: str
    reached_by: str | None
    steps: list[StepView]
    created_at: str
    ended_at: str | None


def view(run: Run, steps: Sequence[Step]) -> RunView:
    by = next((step.channel for step in steps if step.place == run.reached_by), None)
    return RunView(
        run.public_id,
        run.plan,
        run.state,
        run.to,
        run.kind,
        by,
        [_shown(step, reached=step.place == run.reached_by) for step in steps],
        moment(run.created_at),
        None if run.ended_at is None else moment(run.ended_at),
    )


def _shown(step: Step, *, reached: bool) -> StepView:
    at = (step.final_at if step.goal in ("delivered", READ) else step.sent_at) if reached else None
    return StepView(
        step.channel,
        step.to,
        SKIPPED if step.message is None and step.reason is not None else step.state or "begun",
        step.reason,
        ids.make("msg", step.accepted_at, step.message) if step.message and step.accepted_at is not None else None,
        step.connector,
        step.price,
        step.currency,
        moment(step.begun_at),
        None if step.sent_at is None else moment(step.sent_at),
        None if at is None else max(0, at - step.begun_at),
    )
