"""The choice of content rules in the ledger, on every engine."""

import asyncio
from typing import Any

import msgspec
import pytest

from heliograph.engine import content, declared, environments
from heliograph.engine.content import ContentChange
from tests.store.making import NOW

pytestmark = pytest.mark.asyncio


async def workspace(ledger: Any) -> int:
    await environments.ensure_defaults(ledger, lambda secret: secret, now=NOW)
    return await environments.workspace_id(ledger, "default")


async def test_changes_made_at_once_are_both_kept_beside_other_settings(ledger: Any) -> None:
    own = await workspace(ledger)
    async with ledger.transaction() as transaction:
        settings = msgspec.json.encode({"max_segments": {"otp": 2}}).decode()
        await transaction.execute("UPDATE workspaces SET settings = $2 WHERE id = $1", own, settings)
    changes = [
        ContentChange(modes={"otp": "warn"}),
        ContentChange(rules={"gambling": "off"}),
        ContentChange(brands=["A"]),
    ]
    await asyncio.gather(*(content.change(ledger, own, each, actor="test", now=NOW) for each in changes))
    shown = await content.show(ledger, own)
    assert (shown.modes["otp"], shown.rules, shown.brands) == ("warn", {"gambling": "off"}, ["A"])
    snapshot = await declared.load(ledger)
    for realm in snapshot.realms.values():
        assert realm.linted == {"otp", "promotional"}
        assert realm.rules.budget.limit("otp", None) == 2


async def test_a_change_is_audited_and_told_to_running_processes(ledger: Any) -> None:
    own = await workspace(ledger)
    before = await declared.version(ledger)
    await content.change(ledger, own, ContentChange(rules={"cannabis": "warn"}), actor="key:1", now=NOW, ip="192.0.2.1")
    assert await declared.version(ledger) == before + 1
    rows = await ledger.fetch("SELECT actor, object, ip, detail FROM audit WHERE action = 'content.changed'")
    assert [tuple(row[:3]) for row in rows] == [("key:1", "content", "192.0.2.1")]
    assert msgspec.json.decode(rows[0][3])["after"]["rules"] == {"cannabis": "warn"}
