"""Versions of templates in both engines: what declaring makes of them, their steps, and the reminder."""

from typing import Any

import msgspec
import pytest

from heliograph.core.failures import Refused
from heliograph.engine import declare, declared, rollback
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.form import Tools
from heliograph.engine.templates import versions
from heliograph.engine.templates.versions import Version
from heliograph.store.port import Ledger

pytestmark = pytest.mark.asyncio

TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", lambda text: text, lambda text: text)
DAY_MS = 86_400_000
JUNE = 1_811_808_000_000  # 2027-06-01


async def write(ledger: Ledger, text: str, now: int = 1, **more: Any) -> None:
    document = {"templates": {"hello": {"texts": {"en": text}, **more}}}
    await declare.apply(ledger, document, TOOLS, actor="ann", now=now)


async def workspace(ledger: Ledger) -> int:
    rows = await ledger.fetch("SELECT id FROM workspaces")
    return int(rows[0][0])


async def of(ledger: Ledger) -> list[Version]:
    return await versions.of_template(ledger, await workspace(ledger), "hello")


async def approve(ledger: Ledger) -> None:
    owner = await workspace(ledger)
    await versions.submit(ledger, owner, "hello", None, actor="ann", now=2)
    newest = (await of(ledger))[0].version
    await versions.approve(ledger, owner, "hello", newest, acknowledged=None, actor="bob", now=3)


async def usable(ledger: Ledger, mode: str) -> dict[str, str]:
    """Name or label → the text."""
    realm = next(realm for realm in (await declared.load(ledger)).realms.values() if realm.mode == mode)
    return {name: version.template.spec.texts["en"] for name, version in realm.templates.versions.items()}


async def test_each_change_is_a_version_and_live_realms_hold_what_was_approved(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await write(ledger, "one")
    await write(ledger, "one")
    assert [(v.label, v.state) for v in await of(ledger)] == [("hello@1", "draft")]
    assert await usable(ledger, "live") == {}
    await approve(ledger)
    await write(ledger, "two")
    assert [(v.label, v.state) for v in await of(ledger)] == [("hello@2", "draft"), ("hello@1", "approved")]
    assert await usable(ledger, "live") == {"hello": "one", "hello@1": "one"}
    assert (await usable(ledger, "test"))["hello"] == "two"
    found = (await of(ledger))[1]
    assert (found.written_by, found.submitted_by, found.approved_by, found.approved_at) == ("ann", "ann", "bob", 3)


async def test_the_way_back_in_the_history_is_one_to_what_was_approved(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await write(ledger, "one")
    await approve(ledger)
    entry = (await rollback.history(ledger, workspace=None, limit=1))[0]
    await write(ledger, "two")
    await approve(ledger)
    assert (await usable(ledger, "live"))["hello"] == "two"
    await rollback.roll_back(ledger, TOOLS, workspace="default", version=entry.id, actor="eve", now=9)
    newest = (await of(ledger))[0]
    assert (newest.label, newest.state, newest.written_by, newest.approved_by) == ("hello@3", "approved", "eve", "bob")
    assert (await usable(ledger, "live"))["hello"] == "one"


async def test_a_step_that_does_not_follow_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await write(ledger, "one")
    owner = await workspace(ledger)
    with pytest.raises(Refused) as refused:
        await versions.approve(ledger, owner, "hello", 1, acknowledged=None, actor="bob", now=3)
    assert refused.value.refusals[0].code == "wrong_template_state"
    with pytest.raises(Refused):
        await versions.submit(ledger, owner + 1, "hello", None, actor="ann", now=2)
    assert [v.state for v in await of(ledger)] == ["draft"]


async def test_what_is_removed_is_retired_and_no_message_may_name_it(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await write(ledger, "one")
    await approve(ledger)
    await declare.remove(ledger, await workspace(ledger), "template", "hello", actor="ann", now=4)
    assert [(v.state, v.retired_by, v.retired_at) for v in await of(ledger)] == [("retired", "ann", 4)]
    assert await usable(ledger, "live") == await usable(ledger, "test") == {}


async def test_who_subscribed_is_reminded_once_before_the_review(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await write(ledger, "one", review_by="2027-06-01", owner="Ada")
    await versions.remind(ledger, JUNE)
    assert await reminders(ledger) == []  # a draft is nobody's promise
    await approve(ledger)
    await versions.remind(ledger, JUNE - 15 * DAY_MS)
    assert await reminders(ledger) == []
    await versions.remind(ledger, JUNE - 14 * DAY_MS)
    await versions.remind(ledger, JUNE)
    assert await reminders(ledger) == [{"template": "hello@1", "owner": "Ada", "review_by": "2027-06-01"}]


async def reminders(ledger: Ledger) -> list[Any]:
    rows = await ledger.fetch("SELECT data FROM events WHERE type = 'template.review_due'")
    return [msgspec.json.decode(row[0]) for row in rows]
