"""Histories in which quiet hours begin in the middle of everything: nothing that they cover leaves in them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.sim.loop import EPOCH_MS, simulate
from tests.sim.oracle import broken
from tests.sim.world import Simulation

# All simulated numbers are in Guernsey, an hour ahead of UTC in May, where histories begin at 21:26:40.
CLOSES = datetime.fromtimestamp(EPOCH_MS / 1000, UTC).replace(second=0) + timedelta(minutes=1)
OPENS = CLOSES + timedelta(minutes=3)
HOURS = f"08:00-{CLOSES + timedelta(hours=1):%H:%M}, {OPENS + timedelta(hours=1):%H:%M}-24:00"


class Evening(Simulation):
    """A history in which quiet hours begin after twenty seconds, with a backlog, and end after a while."""

    async def _declare(self) -> None:
        await super()._declare()
        rule = {"name": "evening", "countries": ["*"], "hours": {"mon-sun": HOURS}}
        spec = msgspec.json.encode({"in_test": True, "rules": [rule]}).decode()
        self.disk.connection.execute(
            "INSERT INTO declared (workspace, kind, name, spec, created_at, updated_at) "
            "SELECT id, 'policy', 'quiet_hours', ?, 0, 0 FROM workspaces",
            (spec,),
        )


def submitted(simulation: Simulation) -> list[tuple[str, datetime]]:
    kinds: dict[int, Any] = dict(simulation.disk.rows("SELECT id, kind FROM messages"))
    began = datetime.fromtimestamp(EPOCH_MS / 1000, UTC)
    return [(kinds[told.message], began + timedelta(seconds=told.at)) for told in simulation.record.submissions]


def test_nothing_leaves_in_quiet_hours() -> None:
    left: list[tuple[str, datetime]] = []
    for seed in range(8):
        simulation = Evening(seed)
        simulate(simulation.run())
        assert broken(simulation) == [], seed
        left += submitted(simulation)
    quiet = [kind for kind, at in left if CLOSES <= at < OPENS]
    assert "promotional" not in quiet and {"otp", "transactional"} <= set(quiet), "nobody waits for a code"
    assert any(kind == "promotional" and at < CLOSES for kind, at in left)
    assert any(kind == "promotional" and at >= OPENS for kind, at in left), "what was held goes afterwards"
