"""What must hold of every history, whatever happened in it. `docs/invariants.md` says it in words."""

from bisect import bisect_left
from collections import defaultdict

from heliograph.core.lifecycle import ENDS
from tests.sim.loop import EPOCH_MS
from tests.sim.world import RATE, Simulation, Told


def broken_by_the_way(simulation: Simulation) -> list[str]:
    """Every invariant of each moment that did not hold, with what broke it."""
    return [
        *_no_defects(simulation),
        *_intent_before_hand_over(simulation),
        *_nothing_doubled(simulation),
        *_nobody_texted_after_stop(simulation),
        *_in_time(simulation),
        *_caps_hold(simulation),
    ]


def broken(simulation: Simulation) -> list[str]:
    """The same of a history that has come to its end, where everything must be settled."""
    return [
        *broken_by_the_way(simulation),
        *_nothing_lost(simulation),
        *_every_end_told(simulation),
        *_one_id_one_content(simulation),
        *_history_fits_state(simulation),
    ]


def _no_defects(simulation: Simulation) -> list[str]:
    return [f"defect: {error!r}" for error in simulation.record.defects]


def _nothing_lost(simulation: Simulation) -> list[str]:
    states = dict(simulation.disk.rows("SELECT id, state FROM messages"))
    record = simulation.record
    return [
        *(f"{key} was accepted as two messages" for key in record.twice),
        *(f"message {m} was accepted and is gone" for m in record.accepted.values() if m not in states),
        *(f"message {m} never ends: {state}" for m, state in states.items() if state not in ENDS),
    ]


def _intent_before_hand_over(simulation: Simulation) -> list[str]:
    return [f"message {m}, attempt {a}: handed over before it was on disk" for m, a in simulation.record.too_early]


def _nothing_doubled(simulation: Simulation) -> list[str]:
    """A submission without a flag is right only when the gateway was told of every earlier one that it was refused."""
    record, found = simulation.record, []
    earlier: defaultdict[int, list[str | None]] = defaultdict(list)
    for told, outcome in zip(record.submissions, record.outcomes, strict=True):
        before = earlier[told.message]
        if not told.flagged and any(one != "refused" for one in before):
            found.append(f"message {told.message}: attempt {told.attempt} unflagged, before it {before}")
        before.append(outcome)
    return found


def _nobody_texted_after_stop(simulation: Simulation) -> list[str]:
    """No hand-over is decided after the commit of an opt-out, and none is done after it was answered; where a process
    hears of its commits in their order, none is done after that commit either."""
    (workspace,) = {row[0] for row in simulation.disk.rows("SELECT id FROM workspaces")}
    disk, answered = simulation.disk, simulation.record.stopped
    found = []
    for told in simulation.record.submissions:
        commit = disk.opted_out.get((workspace, told.number), 1 << 60)
        if told.commit >= commit:
            found.append(f"message {told.message} to {told.number} was handed over after its opt-out")
        elif told.on_disk >= commit and disk.tells_in_order:
            found.append(f"message {told.message} left for {told.number} after the commit of its opt-out")
        elif told.at > answered.get(told.number, 1e18):
            found.append(f"message {told.message} left for {told.number} after its opt-out had been answered")
    return found


def _in_time(simulation: Simulation) -> list[str]:
    ends = dict(simulation.disk.rows("SELECT id, valid_until FROM messages"))
    return [
        f"message {told.message} went after its time"
        for told in simulation.record.submissions
        if EPOCH_MS + told.at * 1000 > ends[told.message] + 1_000  # decided in time; its commit had to wait
    ]


def _caps_hold(simulation: Simulation) -> list[str]:
    """In every window of one second, wherever it begins, for each connector."""
    by_connector: defaultdict[str, list[Told]] = defaultdict(list)
    for told in simulation.record.submissions:
        by_connector[told.connector].append(told)
    found = []
    for connector, submissions in by_connector.items():
        for start, first in enumerate(submissions):
            end = bisect_left(submissions, first.at + 1.0 - 1e-6, start, key=lambda told: told.at)
            held = sum(told.segments for told in submissions[start:end])
            if held > RATE:
                found.append(f"{connector}: {held} segments within the second from {first.at:.3f}")
    return found


def _every_end_told(simulation: Simulation) -> list[str]:
    """Each end was told to the endpoint, sooner or later."""
    undone = simulation.disk.rows(
        "SELECT d.id, d.state, d.error, e.type FROM deliveries d JOIN events e ON e.seq = d.event "
        "WHERE d.state <> 'done'"
    )
    ended = simulation.disk.rows(
        "SELECT m.id FROM messages m WHERE NOT EXISTS (SELECT 1 FROM deliveries d JOIN events e ON e.seq = d.event "
        "WHERE d.message = m.id AND e.type = 'message.' || m.state)"
    )
    return [
        *(f"delivery {row}" for row in undone),
        *(f"the end of message {row[0]} was told to nobody" for row in ended),
    ]


def _one_id_one_content(simulation: Simulation) -> list[str]:
    return [
        f"{event} was told with {len(bodies)} contents"
        for event, bodies in simulation.record.heard.items()
        if len(bodies) > 1
    ]


def _history_fits_state(simulation: Simulation) -> list[str]:
    """The events of a message lead to its state, and it has one end, or a later one that corrects it."""
    found = []
    events: defaultdict[int, list[str]] = defaultdict(list)
    for message, event in simulation.disk.rows(
        "SELECT message, type FROM events WHERE message IS NOT NULL AND type LIKE 'message.%' ORDER BY seq"
    ):
        events[message].append(event.removeprefix("message."))
    for message, state in simulation.disk.rows("SELECT id, state FROM messages"):
        history = events[message]
        ends = [event for event in history if event in ENDS]
        if history[0] != "accepted" or not ends or ends[-1] != state or len(ends) > 2 or len(set(ends)) < len(ends):
            found.append(f"message {message} is {state} by way of {history}")
    return found
