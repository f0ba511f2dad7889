"""Lists of people: who said no, who may have, and files of what people said."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from heliograph.console.contacts import PLACE, shelves
from heliograph.console.page import Page
from heliograph.console.person import scope_words
from heliograph.console.visit import Answer, Visit
from heliograph.core import consent
from heliograph.core.failures import Refusal
from heliograph.engine.people import files, lists
from heliograph.engine.people.files import COLUMNS, Report

_PAGE: Final = 100
_BAD_SHOWN: Final = 100
_SHOWN_AGAIN: Final = 50_000  # letters; a longer file is chosen once more
_MEANINGS: Final = (
    ("", "what their column “action” says"),
    (consent.OPT_OUT, "opt-outs"),
    (consent.OPT_IN, "opt-ins"),
)


async def suppressed(visit: Visit) -> Answer:
    found, following = await lists.suppressed(
        visit.means.ledger, visit.client.workspace, visit.query.get("cursor"), _PAGE
    )
    return visit.show("suppressed.html", tabs=shelves(visit), found=found, next=following, scope_words=scope_words)


async def export(visit: Visit) -> Answer:
    content = await lists.export(visit.means.ledger, visit.client.workspace, actor=visit.actor, now=visit.now)
    return visit.stream("suppressions.csv", "text/csv; charset=utf-8", _whole(content))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def reviews(visit: Visit) -> Answer:
    found = await lists.reviews(visit.means.ledger, visit.client.workspace)
    return visit.show("reviews.html", tabs=shelves(visit), found=found, scope_words=scope_words)


async def begin(visit: Visit) -> Answer:
    return _form(visit, None, "")


async def read_in(visit: Visit) -> Answer:
    """Looked at first: only what somebody has seen the report of is recorded."""
    form, client = visit.form, visit.client
    text, meaning = _text(visit), form.get("meaning")
    if not text.strip():
        return _form(visit, None, "", Refusal("bad_csv", "Choose a file, or paste its lines.", "/file"))
    is_check = form.get("do") != "record"
    if not is_check and form.get("digest") != _digest(text):
        detail = "This is not what you looked at. Look at it first."
        return _form(visit, None, text, Refusal("bad_csv", detail, "/file"))
    report = await files.read_in(
        *(visit.means.ledger, client.workspace, client.environment, text),
        action=meaning if meaning in dict(_MEANINGS) and meaning else None,
        default_country=client.default_country,
        dry_run=is_check,
        actor=visit.actor,
        now=visit.now,
        is_foreign=form.get("foreign") == "1",
    )
    if isinstance(report, Refusal):
        return _form(visit, None, text, msgspec.structs.replace(report, pointer="/file"))
    if not is_check:
        left = f" {report.refused:,} could not be read." if report.refused else ""
        return visit.go(
            f"{PLACE}/import", f"{report.taken:,} {'entry' if report.taken == 1 else 'entries'} recorded.{left}"
        )
    return _form(visit, report, text)


def _text(visit: Visit) -> str:
    """What the form has as a file, or else as lines; what is no UTF-8 in it makes bad lines."""
    data = visit.form.files.get("file")
    return data.decode("utf-8", "replace") if data else visit.form.raw("csv")


def _digest(text: str) -> str:
    """To know a text again, whatever a browser made of its line ends."""
    return hashlib.sha256(text.replace("\r\n", "\n").strip().encode()).hexdigest()


def _form(visit: Visit, report: Report | None, text: str, refusal: Refusal | None = None) -> Answer:
    values: dict[str, Any] = {
        "tabs": shelves(visit),
        "report": report,
        "text": text if len(text) <= _SHOWN_AGAIN else "",
        "is_long": len(text) > _SHOWN_AGAIN,
        "digest": _digest(text) if report is not None else "",
        "meanings": _MEANINGS,
        "columns": COLUMNS,
        "bad_shown": _BAD_SHOWN,
        "filled": visit.form,
    }
    if refusal is not None:
        return visit.wrong("consent_import.html", [refusal], **values)
    return visit.show("consent_import.html", **values)


_MANAGE: Final = "consent:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", f"{PLACE}/suppressed", suppressed, _MANAGE),
    Page("GET", f"{PLACE}/suppressed.csv", export, _MANAGE),
    Page("GET", f"{PLACE}/reviews", reviews, _MANAGE),
    Page("GET", f"{PLACE}/import", begin, _MANAGE),
    Page("POST", f"{PLACE}/import", read_in, _MANAGE),
)
