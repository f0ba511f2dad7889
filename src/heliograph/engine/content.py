"""What a workspace makes of the content rules: read and changed here, and asked at intake.

The choice stands in the settings of the workspace. A text is looked at once for all messages that bear it, so that a
campaign pays for one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from heliograph.core import senders
from heliograph.core.decide import Rules
from heliograph.core.failures import Refusal, Refused
from heliograph.core.lint import MODES, RULES, Content, Finding, country_group, lint
from heliograph.core.message import LANES
from heliograph.engine import audit
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger

_TEXTS_KEPT: Final = 2_000
_LONGEST_KEPT: Final = 2_000
NAMES_LIMIT: Final = 100


class ContentView(msgspec.Struct, frozen=True):
    """The choice as the public API shows it, and as the settings keep it."""

    modes: dict[str, str] = {}
    rules: dict[str, str] = {}
    brands: list[str] = []
    domains: list[str] = []


class ContentChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be otherwise: a field that is given replaces what was there, but for the modes of other kinds."""

    modes: dict[str, str] | None = None
    rules: dict[str, str] | None = None
    brands: list[str] | None = None
    domains: list[str] | None = None


# -- at intake and in previews


def findings(
    content: Content, rules: Rules, text: str, kind: str, country: str, sender: str | None
) -> tuple[Finding, ...]:
    """What counts in this workspace of what the rules find."""
    if sender is None:
        sender = senders.default(rules.senders, country=country, kind=kind)
    look = _kept if len(text) <= _LONGEST_KEPT else _found
    return content.weigh(
        look(text, kind, country_group(country), content.brands, content.domains, _type_of(sender, rules))
    )


def _type_of(sender: str | None, rules: Rules) -> str | None:
    """The type of a sender; of a name that is declared to take replies nothing is said."""
    declared = rules.senders.get(sender) if sender is not None else None
    if declared is not None:
        return None if declared.two_way and declared.type == "alphanumeric" else declared.type
    return senders.type_of(sender) if sender is not None else None


def _found(
    text: str, kind: str, country: str, brands: tuple[str, ...], domains: frozenset[str], sender_type: str | None
) -> tuple[Finding, ...]:
    return lint(text, kind=kind, country=country, brands=brands, domains=domains, sender_type=sender_type)


_kept: Final = lru_cache(maxsize=_TEXTS_KEPT)(_found)


def refusal(finding: Finding) -> Refusal:
    """The finding for which a message is refused, in words."""
    start, end = finding.where
    place = f" at {start} to {end}" if end > start else ""
    return Refusal("content_blocked", f"{finding.rule}: {finding.detail}{place}; {finding.suggestion}", "/text")


# -- the choice


def content_of(settings: Mapping[str, Any]) -> Content:
    """The choice that stands in the settings of a workspace."""
    view = msgspec.convert(settings.get("content") or {}, ContentView)
    return Content({**Content().modes, **view.modes}, view.rules, tuple(view.brands), frozenset(view.domains))


def view_of(content: Content) -> ContentView:
    return ContentView(dict(content.modes), dict(content.rules), list(content.brands), sorted(content.domains))


async def show(ledger: Ledger, workspace: int) -> ContentView:
    rows = await ledger.fetch("SELECT settings FROM workspaces WHERE id = $1", workspace)
    return view_of(content_of(msgspec.json.decode(rows[0][0])))


async def change(
    ledger: Ledger, workspace: int, asked: ContentChange, *, actor: str, now: int, ip: str | None = None
) -> ContentView:
    """Change the choice. Raises `Refused`."""
    if refusals := _wrong(asked):
        raise Refused(*refusals)
    async with ledger.transaction() as transaction:
        # An update that changes nothing: it holds the row against whoever changes other settings at the same time.
        rows = await transaction.fetch(
            "UPDATE workspaces SET settings = settings WHERE id = $1 RETURNING settings", workspace
        )
        settings: dict[str, Any] = msgspec.json.decode(rows[0][0])
        before = view_of(content_of(settings))
        after = ContentView(
            modes={**before.modes, **(asked.modes or {})},
            rules=before.rules if asked.rules is None else asked.rules,
            brands=before.brands if asked.brands is None else _each_once(asked.brands),
            domains=before.domains if asked.domains is None else sorted(map(str.lower, _each_once(asked.domains))),
        )
        settings["content"] = msgspec.to_builtins(after)
        await transaction.execute(
            "UPDATE workspaces SET settings = $2 WHERE id = $1", workspace, msgspec.json.encode(settings).decode()
        )
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="content.changed",
            object="content",
            now=now,
            detail={"before": msgspec.to_builtins(before), "after": settings["content"]},
            ip=ip,
        )
        await audit.config_changed(transaction)
    return after


def _wrong(asked: ContentChange) -> list[Refusal]:
    found: list[Refusal] = []
    for kind, mode in (asked.modes or {}).items():
        if kind not in LANES:
            detail = f"{kind[:40]!r} is not a kind; the kinds are {', '.join(LANES)}.{did_you_mean(kind, LANES)}"
            found.append(Refusal("unknown_kind", detail, "/modes"))
        elif mode not in MODES:
            found.append(_not_a_mode(mode, f"/modes/{kind}"))
    for rule, action in (asked.rules or {}).items():
        if rule not in RULES:
            detail = f"{rule[:40]!r} is not a content rule.{did_you_mean(rule, RULES)}"
            found.append(Refusal("unknown_rule", detail, "/rules"))
        elif action not in MODES:
            found.append(_not_a_mode(action, f"/rules/{rule}"))
    for field, names in (("brands", asked.brands), ("domains", asked.domains)):
        for place, name in enumerate(names or ()):
            if not 0 < len(name) <= 253 or name != name.strip() or (field == "domains" and not _is_domain(name)):
                wanted = "a domain such as example.com, without scheme and path" if field == "domains" else "a name"
                found.append(Refusal("bad_value", f"{name[:40]!r} is not {wanted}", f"/{field}/{place}"))
        if names and len(names) > NAMES_LIMIT:
            found.append(Refusal("bad_value", f"{field} takes {NAMES_LIMIT} entries", f"/{field}"))
    return found


def _is_domain(name: str) -> bool:
    return "." in name.strip(".") and not any(character in name for character in "/:@ ?#")


def _not_a_mode(mode: str, pointer: str) -> Refusal:
    return Refusal("bad_value", f"{mode[:40]!r} is none of {', '.join(MODES)}", pointer)


def _each_once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))
