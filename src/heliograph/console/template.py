"""One template: its texts as they will be sent, its versions and how they differ, and the steps of its approval."""

from asyncio import to_thread
from typing import Any, Final

from heliograph.console import template_list, wording
from heliograph.console.page import Page
from heliograph.console.snippets import curl
from heliograph.console.template_list import MANAGE, READ
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.failures import Refusal, Refused
from heliograph.core.numbers import is_country
from heliograph.engine import declare
from heliograph.engine.templates import deciding, look, versions
from heliograph.engine.templates.versions import Version

_TO: Final = "+447700900123"


async def show(visit: Visit) -> Answer:
    return visit.show("template.html", **await _values(visit))


async def find(visit: Visit) -> list[Version]:
    """Its versions, the newest first. Raises `Refused`."""
    name = visit.place["name"]
    found = await versions.of_template(visit.means.ledger, visit.client.workspace, name)
    if not found:
        raise not_found("template", name)
    return found


async def _values(visit: Visit) -> dict[str, Any]:
    own = await find(visit)
    number = visit.query.get("version") or visit.form.get("version")
    version = next((one for one in own if str(one.version) == number), None if number else own[0])
    if version is None:
        raise not_found("version", number)
    country, realm = country_of(visit), visit.realm
    before = next((one for one in own if one.version < version.version), None)
    against = None
    if version.state in (versions.DRAFT, versions.REVIEW):
        against = await to_thread(look.stands_against, version, realm, visit.actor, None)
    return {
        "own": own,
        "version": version,
        "spec": version.template.spec,
        "country": country,
        "texts": await to_thread(wording.drawn, version.template, realm, country),
        "allowed": look.budget(version.template, realm),
        "before": before,
        "changes": wording.changes(before, version),
        "against": against,
        "may_manage": visit.may(MANAGE),
        "in_use": next((one for one in own if one.state == versions.APPROVED), None),
        "curl": curl(visit.our_url, {"to": _TO, "template": version.name, "variables": version.template.examples}),
    }


def country_of(visit: Visit) -> str:
    """For which country it is priced."""
    asked = visit.query.get("country").upper()
    return asked if is_country(asked) else visit.client.default_country or "GB"


async def submit(visit: Visit) -> Answer:
    return await _decided(visit, "submit", "It is in review.")


async def approve(visit: Visit) -> Answer:
    return await _decided(visit, "approve", "It is approved: live messages may use it.")


async def retire(visit: Visit) -> Answer:
    return await _decided(visit, "retire", "It is retired. Messages that name it are refused.")


async def _decided(visit: Visit, what: str, said: str) -> Answer:
    """One step of a version; or the page again, with what stands against it."""
    own, number = await find(visit), visit.form.get("version")
    version = next((one for one in own if str(one.version) == number), None)
    if version is None:
        raise not_found("version", number)
    try:
        await _step(visit, what, version)
    except Refused as refused:
        found = [Refusal(one.code, one.detail, _field(one), one.status) for one in refused.refusals]
        return visit.wrong("template.html", found, **await _values(visit))
    await visit.means.reload()
    return visit.go(f"{template_list.PLACE}/{version.name}?version={version.version}", f"{version.label}: {said}")


async def _step(visit: Visit, what: str, version: Version) -> None:
    ledger, workspace, name = visit.means.ledger, visit.client.workspace, version.name
    if what == "approve":
        reason = visit.form.get("acknowledge")[:500] or None
        await deciding.approve(*(ledger, workspace, version, visit.realm, reason), actor=visit.actor, now=visit.now)
    elif what == "submit":
        await versions.submit(ledger, workspace, name, version.version, actor=visit.actor, now=visit.now)
    else:
        await versions.retire(ledger, workspace, name, version.version, actor=visit.actor, now=visit.now)


def _field(refusal: Refusal) -> str:
    return "/acknowledge" if refusal.code == "template_over_budget" else ""


async def remove(visit: Visit) -> Answer:
    name = (await find(visit))[0].name
    if not await declare.remove(
        visit.means.ledger, visit.client.workspace, "template", name, actor=visit.actor, now=visit.now
    ):
        raise not_found("template", name)
    await visit.means.reload()
    return visit.go(template_list.PLACE, f"{name} is removed; its versions are retired.")


_ONE: Final = f"{template_list.PLACE}/{{name}}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _ONE, show, *READ),
    Page("POST", f"{_ONE}/submit", submit, MANAGE),
    Page("POST", f"{_ONE}/approve", approve, MANAGE),
    Page("POST", f"{_ONE}/retire", retire, MANAGE),
    Page("POST", f"{_ONE}/remove", remove, MANAGE),
)
