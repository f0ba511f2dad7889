"""Audiences: uploaded as CSV or taken from the contacts, with a report of every line that could not be used."""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.audiences import Filter
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.explain import explained
from heliograph.products.campaigns import audiences, filling, register
from heliograph.products.campaigns.audiences import Audience

PLACE: Final = "/console/audiences"
MANAGE: Final = "campaigns:manage"
_SHOWN: Final = 100
_FILTERS: Final = 4
_PIECE: Final = 65_536
_COMPARISONS: Final = (
    ("is", "is"),
    ("is_not", "is not"),
    ("begins", "begins with"),
    ("in", "is one of"),
    ("", "is there"),
)


class _Name(msgspec.Struct):
    """What an audience may be called."""

    name: audiences.Name


async def show(visit: Visit) -> Answer:
    found, following = await audiences.page(
        visit.means.ledger, visit.client.environment, visit.query.get("cursor"), _SHOWN
    )
    return visit.show("audiences.html", found=[(one, _variables(one)) for one in found], following=following)


async def begin(visit: Visit) -> Answer:
    return visit.show("audience_new.html", **_form(visit))


def _form(visit: Visit) -> dict[str, Any]:
    return {
        "form": visit.form,
        "rows": range(_FILTERS),
        "comparisons": _COMPARISONS,
        "country": visit.form.get("default_country") or visit.client.default_country or "",
    }


async def make(visit: Visit) -> Answer:
    """Of a file or of a pasted list, or of filters over the contacts."""
    try:
        if visit.form.get("do") == "contacts":
            made = await _take(visit)
        else:
            made = await upload(visit, visit.form.get("name"), "name")
    except Refused as refused:
        return visit.wrong("audience_new.html", refused.refusals, **_form(visit))
    lost = made.bad + made.duplicates
    left_out = f", {lost:,} line{'' if lost == 1 else 's'} can't be used" if lost else ""
    return visit.go(f"{PLACE}/{made.name}", f"{made.valid:,} can be texted{left_out}.")


async def upload(visit: Visit, name: str, field: str) -> Audience:
    """What the form has as `file`, or as `csv`; `field`: where the name was given. Raises `Refused`."""
    data = visit.form.files.get("file") or visit.form.raw("csv").encode()
    _checked(name, field)
    if not data.strip():
        raise Refused(Refusal("missing_field", "choose a CSV file; its first line names the columns", "/file"))
    asked = visit.form.get("default_country").upper()
    ledger, client = visit.means.ledger, visit.client
    where = (client.workspace, client.environment, name)
    try:
        begun = await audiences.begin(ledger, *where, filters=None, actor=visit.actor, now=visit.now)
    except Refused as refused:
        raise Refused(*(msgspec.structs.replace(one, pointer=f"/{field}") for one in refused.refusals)) from None
    try:
        return await filling.from_csv(
            *(ledger, begun, _pieces(data)),
            variables=None,
            default_country=asked or client.default_country,
            actor=visit.actor,
            now=visit.now,
        )
    except Refused as refused:
        raise Refused(*(msgspec.structs.replace(one, pointer="/file") for one in refused.refusals)) from None


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


async def _take(visit: Visit) -> Audience:
    name, filters = visit.form.get("name"), _filters(visit)
    _checked(name, "name")
    ledger, client = visit.means.ledger, visit.client
    where = (client.workspace, client.environment, name)
    begun = await audiences.begin(ledger, *where, filters=filters, actor=visit.actor, now=visit.now)
    rules = visit.means.snapshot().consent
    return await filling.from_contacts(ledger, begun, filters, rules, actor=visit.actor, now=visit.now)


def _checked(name: str, field: str) -> None:
    try:
        msgspec.convert({"name": name}, _Name)
    except msgspec.ValidationError:
        detail = "give a name: up to 40 small letters, digits and hyphens, such as spring-customers"
        raise Refused(Refusal("bad_name", detail, f"/{field}")) from None


def _filters(visit: Visit) -> list[Filter]:
    found = []
    for place in range(_FILTERS):
        field, how = visit.form.get(f"field-{place}"), visit.form.get(f"how-{place}")
        value = visit.form.get(f"value-{place}")
        if not field:
            continue
        asked: dict[str, Any] = {"field": field}
        if how:
            asked[how] = [one.strip() for one in value.split(",")] if how == "in" else value
        try:
            found.append(msgspec.convert(asked, Filter))
        except msgspec.ValidationError as error:
            raise Refused(Refusal("bad_value", explained(str(error), Filter).detail, f"/field-{place}")) from None
    return found


async def find(visit: Visit) -> Audience:
    """Raises `Refused`."""
    found = await audiences.find(visit.means.ledger, visit.client.environment, visit.place["name"])
    if found is None:
        raise not_found("audience", visit.place["name"])
    return found


async def show_one(visit: Visit) -> Answer:
    return visit.show("audience.html", **await _report(visit))


async def _report(visit: Visit) -> dict[str, Any]:
    audience = await find(visit)
    after = visit.query.get("cursor")
    faults, following = await audiences.faults(
        visit.means.ledger, audience.id, int(after) if after.isascii() and after.isdigit() else 0, _SHOWN
    )
    return {
        "audience": audience,
        "variables": _variables(audience),
        "filters": msgspec.json.decode(audience.filters) if audience.filters else [],
        "faults": faults,
        "following": following,
        "campaigns": await register.of_audience(visit.means.ledger, audience.id),
    }


def _variables(audience: Audience) -> list[str]:
    return msgspec.json.decode(audience.variables, type=list[str])


async def delete(visit: Visit) -> Answer:
    audience = await find(visit)
    try:
        await audiences.delete(visit.means.ledger, audience, actor=visit.actor, now=visit.now)
    except Refused as refused:
        found = [msgspec.structs.replace(one, pointer="") for one in refused.refusals]
        return visit.wrong("audience.html", found, **await _report(visit))
    return visit.go(PLACE, f"The audience {audience.name} is deleted.")


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, MANAGE, entry=Entry("Audiences", "people", "Reach")),
    Page("GET", f"{PLACE}/_new", begin, MANAGE),
    Page("POST", f"{PLACE}/_new", make, MANAGE),
    Page("GET", f"{PLACE}/{{name}}", show_one, MANAGE),
    Page("POST", f"{PLACE}/{{name}}/delete", delete, MANAGE),
)
