"""The builder of a campaign: to whom, what, how fast and when; with what each text comes to beside it."""

from typing import Any, Final

import msgspec

from heliograph.console import audiences as audience_pages
from heliograph.console.campaigns import PLACE
from heliograph.console.drawn import Part, parts_of
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Fields, Visit
from heliograph.core.audiences import Recipient
from heliograph.core.campaigns import ONLY, CampaignSpec
from heliograph.core.failures import Refusal, Refused
from heliograph.core.segments import normalise, split
from heliograph.core.templates import BadTemplate, BadValue, MissingVariable, compile_text
from heliograph.engine.explain import explained
from heliograph.engine.templates import look, versions
from heliograph.products.campaigns import audiences, register

_MANAGE: Final = "campaigns:manage"
_AUDIENCES_SHOWN: Final = 1_000
_VARIANTS_AT_MOST: Final = 10
_PLAIN: Final = ("kind", "sender", "topic", "spread")
_WHOLE: Final = ("max_segments", "per_minute", "per_hour")
_DAYS: Final = (
    ("mon-sun", "every day"),
    ("mon-sat", "Monday to Saturday"),
    ("mon-fri", "Monday to Friday"),
    ("sat-sun", "Saturday and Sunday"),
)
_KINDS: Final = ("promotional", "transactional", "support")


class VariantRow(msgspec.Struct):
    """A text in the form."""

    name: str = ""
    share: str = "1"
    text: str = ""


class Draft(msgspec.Struct):
    """The form as it is."""

    values: dict[str, str]
    variants: list[VariantRow]


class Looked(msgspec.Struct):
    """What a text comes to with the values of somebody in the audience."""

    name: str
    parts: list[Part] = []
    encoding: str = ""
    price: str = ""
    problem: str = ""


async def begin(visit: Visit) -> Answer:
    """Empty, or as another campaign is."""
    values = {"audience": visit.query.get("audience"), "kind": _KINDS[0], "window_days": _DAYS[0][0]}
    draft = Draft(values, [VariantRow()])
    if other := visit.query.get("from"):
        found = await register.find(visit.means.ledger, visit.client.environment, other)
        if found is not None:
            draft = _draft_of(found.asked)
    return await _shown(visit, draft)


async def write(visit: Visit) -> Answer:
    """Make it, show what it comes to, or give room for more."""
    draft, did = _read(visit.form), visit.form.get("do")
    if did == "variant":
        draft.variants.append(VariantRow())
    elif did == "template" and (problem := await _take_words(visit, draft)):
        return await _shown(visit, draft, [problem])
    if did != "make":
        return await _shown(visit, draft)
    try:
        if visit.form.files.get("file"):
            await audience_pages.upload(visit, draft.values["name"], "name")
            draft.values["audience"] = draft.values["name"]
        spec = msgspec.convert(_document(draft), CampaignSpec)
        client = visit.client
        where = (visit.means.ledger, client.workspace, client.environment, client.id)
        made = await register.create(*where, spec, actor=visit.actor, now=visit.now)
    except msgspec.ValidationError as error:
        return await _shown(visit, draft, [explained(str(error), CampaignSpec)])
    except Refused as refused:
        return await _shown(visit, draft, list(refused.refusals))
    visit.means.campaigns_changed()
    return visit.go(f"{PLACE}/{made.name}", "Made. Every row is being checked; nothing is sent before you start it.")


async def _take_words(visit: Visit, draft: Draft) -> Refusal | None:
    """The words of a template stand in for the first text that is empty, or the last."""
    name, _, locale = visit.form.get("template").partition(" ")
    found = await versions.of_template(visit.means.ledger, visit.client.workspace, name)
    usable = next((one for one in found if one.state != versions.RETIRED), None)
    texts = usable.template.spec.texts if usable is not None else {}
    if usable is None or locale not in texts:
        return Refusal("unknown_template", "choose a template", "/template")
    row = next((row for row in draft.variants if not row.text), draft.variants[-1])
    row.text, draft.values["topic"] = texts[locale], usable.template.spec.topic or draft.values["topic"]
    return None


async def _shown(visit: Visit, draft: Draft, problems: list[Refusal] | None = None) -> Answer:
    ledger, client = visit.means.ledger, visit.client
    there, _ = await audiences.page(ledger, client.environment, "", _AUDIENCES_SHOWN)
    ready = [one for one in there if one.state == audiences.READY]
    chosen = next((one for one in ready if one.name == draft.values.get("audience")), None)
    first = await audiences.rows_after(ledger, chosen, 0, 1) if chosen is not None else []
    texts = versions.by_name(await versions.of_workspace(ledger, client.workspace)).values()
    values: dict[str, Any] = {
        "draft": draft,
        "audiences": [("", "choose one, or a file"), *((one.name, f"{one.name} ({one.valid:,})") for one in ready)],
        "columns": msgspec.json.decode(chosen.variables, type=list[str]) if chosen is not None else [],
        "looked": [_look(visit, draft, row, first[0] if first else None) for row in draft.variants if row.text],
        "templates": [
            (f"{own[0].name} {locale}", f"{own[0].name}, {locale}")
            for own in texts
            if own[0].state != versions.RETIRED
            for locale in sorted(own[0].template.spec.texts)
        ],
        "kinds": [(kind, kind) for kind in _KINDS],
        "days": _DAYS,
        "senders": [("", "the usual one"), *((name, name) for name in sorted(visit.realm.rules.senders) if name)],
    }
    if problems:
        return visit.wrong("campaign_builder.html", _at_fields(draft, problems), **values)
    return visit.show("campaign_builder.html", **values)


# -- between form and spec


def _read(form: Fields) -> Draft:
    names = (*_PLAIN, *_WHOLE, "name", "audience", "window_days", "window_from", "window_to", "ends_at")
    values = {name: form.get(name) for name in (*names, "winner_after", "winner_by", "winner_percent")}
    variants = [
        VariantRow(
            form.get(f"variant-{place}-name"),
            form.get(f"variant-{place}-share") or "1",
            form.raw(f"variant-{place}-text").replace("\r\n", "\n").strip(),
        )
        for place in range(_VARIANTS_AT_MOST + 1)
        if form.all(f"variant-{place}-text")
    ]
    return Draft(values, [row for row in variants if row.text or row.name] or [VariantRow()])


def _draft_of(spec: CampaignSpec) -> Draft:
    values = {name: str(getattr(spec, name) or "") for name in (*_PLAIN, *_WHOLE, "audience")}
    if spec.window:
        days, hours = next(iter(spec.window.items()))
        values["window_days"] = days
        values["window_from"], _, values["window_to"] = hours.partition("-")
    if spec.winner is not None:
        values["winner_after"], values["winner_by"] = str(spec.winner.after), spec.winner.by
        values["winner_percent"] = str(spec.winner.tried_percent)
    return Draft(values, [VariantRow("" if v.name == ONLY else v.name, str(v.share), v.text) for v in spec.texts])


def _document(draft: Draft) -> dict[str, Any]:
    """As it would stand in a file; what is left empty is left out."""
    values = draft.values
    found: dict[str, Any] = {name: values[name] for name in ("name", "audience", *_PLAIN) if values.get(name)}
    found |= {name: _whole(values[name]) for name in _WHOLE if values.get(name)}
    found |= {name: values.get(name, "") for name in ("name", "audience")}
    if len(draft.variants) == 1:
        found["text"] = draft.variants[0].text or None
    else:
        found["variants"] = [{"name": v.name, "share": _whole(v.share), "text": v.text} for v in draft.variants]
    if values.get("window_from") or values.get("window_to"):
        found["window"] = {values["window_days"]: f"{values['window_from']}-{values['window_to']}"}
    if values.get("ends_at"):
        found["ends_at"] = in_utc(values["ends_at"])
    if values.get("winner_after"):
        percent = _whole(values["winner_percent"] or "20")
        found["winner"] = {"after": values["winner_after"], "by": values["winner_by"], "tried_percent": percent}
    return found


def in_utc(text: str) -> str:
    """A time as browsers give it, which is in no zone."""
    return f"{text}:00Z" if len(text) == len("2026-01-01T00:00") else f"{text}Z"


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


_FIELDS: Final = {
    "/window": "/window_from",
    "/winner/after": "/winner_after",
    "/winner/tried_percent": "/winner_percent",
}


def _at_fields(draft: Draft, problems: list[Refusal]) -> list[Refusal]:
    """Each at the field of the form that it is about; what is about none stands at the top."""
    there = {f"/{name}" for name in (*draft.values, "file", "template")}
    found = []
    for one in problems:
        pointer = _FIELDS.get(one.pointer, one.pointer)
        if pointer == "/text":
            pointer = "/variant-0-text"
        elif pointer.startswith("/variants/"):
            pointer = pointer.replace("/variants/", "/variant-", 1).replace("/", "-").replace("-", "/", 1)
        is_known = pointer in there or pointer.startswith("/variant-")
        found.append(msgspec.structs.replace(one, pointer=pointer if is_known else ""))
    return found


def _look(visit: Visit, draft: Draft, row: VariantRow, recipient: Recipient | None) -> Looked:
    """The text as the first of the audience would get it."""
    values = msgspec.json.decode(recipient.variables, type=dict[str, str]) if recipient and recipient.variables else {}
    try:
        text = normalise(compile_text(row.text).render(values))
    except BadTemplate as bad:
        return Looked(row.name, problem=f"{bad.detail} (character {bad.position})")
    except MissingVariable as missing:
        if recipient is None:
            return Looked(row.name, problem=f"choose an audience to see it with values; {missing.name} has no fallback")
        return Looked(row.name, problem=f"line {recipient.line} of the audience has no {missing.name}, and no fallback")
    except BadValue as bad:
        return Looked(row.name, problem=f"{bad.name} {bad.detail}")
    found, country = split(text), visit.client.default_country or "GB"
    kind, sender = draft.values.get("kind") or _KINDS[0], draft.values.get("sender") or None
    price, currency = look.price_of(visit.realm, country, kind, sender, len(found.segments))
    return Looked(row.name, parts_of(found), found.encoding, f"{price} {currency} in {country}" if price else "")


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", f"{PLACE}/_new", begin, _MANAGE),
    Page("POST", f"{PLACE}/_new", write, _MANAGE),
)
