"""`lint`: every rule of the data with the check that finds it, in one table."""

import re
from collections.abc import Callable
from typing import Final

from heliograph.core.lint import letters, links, wording
from heliograph.core.lint.look import Circumstances, Look
from heliograph.core.lint.rules import BLOCK, DATA, INFO, RULES, WARN, Finding, Rule, country_group

Span = tuple[int, int]
Check = Callable[[Look], Span | None]

_GRAVITY: Final = {BLOCK: 0, WARN: 1, INFO: 2}
_QUOTED: Final = 40

_PAIRS: Final = ("!!", "??", "!?", "?!", "$$", "€€", "££")
_runs: Final = re.compile("[!?]{2,}|[$€£]{2,}").search
_UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER: Final = _UPPER.lower()
_SHORTEST_SHOUT: Final = 20  # letters
_SHOUT: Final = 0.6  # part of them
_phone: Final = re.compile(r"\+\d[\d ()-]{6,18}\d").search


def lint(
    text: str,
    *,
    kind: str,
    country: str = "",
    brands: tuple[str, ...] = (),
    domains: frozenset[str] = frozenset(),
    sender_type: str | None = None,
) -> tuple[Finding, ...]:
    """What the rules find in a text, the gravest first; each rule tells its first place.

    `brands` are the names that the sender is known by, `domains` those that its links may lead to: what is not given
    is not looked for. `sender_type` is a type of `core.senders`.
    """
    look = Look(text, Circumstances(kind, country_group(country), brands, domains, sender_type))
    if not look.words and not text.strip():
        return (_finding("empty_or_whitespace", RULES["empty_or_whitespace"], look, (0, len(text))),)
    found = [
        _finding(name, rule, look, where)
        for name, rule, check in _OF_KIND[kind]
        if (not rule.only_in or country in rule.only_in) and (where := check(look)) is not None
    ]
    if len(found) > 1:
        found.sort(key=lambda finding: (_GRAVITY[finding.severity], finding.where, finding.rule))
    return tuple(found)


def _finding(name: str, rule: Rule, look: Look, where: Span) -> Finding:
    quoted = look.text[where[0] : where[1]][:_QUOTED] if rule.quotes and where != (0, len(look.text)) else ""
    detail = f"{rule.says}: {quoted!r}" if quoted else rule.says
    severity = rule.countries.get(look.circumstances.country, rule.severity)
    return Finding(name, severity, detail, where, rule.suggestion)


# -- links


def _first(fits: Callable[[links.Link], bool]) -> Check:
    return lambda look: next(((link.start, link.end) for link in look.links if fits(link)), None)


def _undeclared(look: Look) -> Span | None:
    domains = look.circumstances.domains
    if not domains:
        return None
    return next(((link.start, link.end) for link in look.links if not links.belongs(link.host, domains)), None)


def _glued(look: Look) -> Span | None:
    return next(((link.start, link.end) for link in look.links if links.is_glued(look.text, link)), None)


def _second(look: Look) -> Span | None:
    return (look.links[1].start, look.links[1].end) if len(look.links) > 1 else None


def _link_or_phone(look: Look) -> Span | None:
    if look.links:
        return look.links[0].start, look.links[0].end
    match = _phone(look.text) if "+" in look.text else None
    return match.span() if match else None


# -- letters


def _look_alikes(look: Look) -> Span | None:
    found = letters.disguised_word(look.text)
    if found is None and (word := letters.word_with_digits(look.odd_words)):
        return look.place(word)
    return found


def _imitated_name(look: Look) -> Span | None:
    words = look.odd_words if look.lower.isascii() else [*look.odd_words, *letters.foreign_words(look.lower)]
    names = frozenset(brand.lower() for brand in look.circumstances.brands)
    word = letters.imitated_name(words, names) if words else None
    return look.place(word) if word else None


def _shouts(look: Look) -> Span | None:
    if look.text.isascii() and not _may_shout(look):
        return None
    said = look.text
    for link in reversed(look.links):
        said = said[: link.start] + said[link.end :]
    for word in (*look.circumstances.brands, "STOP", "HELP"):
        said = said.replace(word, "")
    cased = [letter for letter in said if letter.isalpha()]
    upper = sum(map(str.isupper, cased))
    return (0, len(look.text)) if len(cased) >= _SHORTEST_SHOUT and upper > _SHOUT * len(cased) else None


def _may_shout(look: Look) -> bool:
    """Are there enough capitals to count them closely? Small letters of links don't count, and may be many."""
    text = look.text.encode()
    upper = len(text) - len(text.translate(None, _UPPER))
    lower = len(text) - len(text.translate(None, _LOWER)) - sum(link.end - link.start for link in look.links)
    return upper >= _SHORTEST_SHOUT * _SHOUT and upper > (_SHOUT - 0.1) * (upper + lower)


# -- words


def _topic(lexicon: str) -> Check:
    return lambda look: look.place(look.topics[lexicon]) if lexicon in look.topics else None


def _forbidden_topic(look: Look) -> Span | None:
    for lexicon in DATA.forbidden_topics.get(look.circumstances.country, ()):
        if lexicon in look.topics:
            return look.place(look.topics[lexicon])
    return None


def _runs_of_marks(look: Look) -> Span | None:
    match = _runs(look.text) if any(pair in look.text for pair in _PAIRS) else None
    return match.span() if match else None


def _money_lure(look: Look) -> Span | None:
    place = look.text.find("$$")
    if place >= 0:
        return place, place + 2
    return next((look.place(words) for words in ("free money", "free cash") if words in look.lower), None)


def _chat(look: Look) -> Span | None:
    return look.place(look.topics["chat"]) if "chat" in look.topics and look.count("chat") >= 3 else None


_CHECKS: Final[dict[str, Check]] = {
    "placeholder_left": wording.placeholder,
    "opt_out_missing": wording.without_opt_out,
    "opt_out_obfuscated": wording.disguised_opt_out,
    "opt_out_dead_end": wording.dead_end,
    "brand_missing": wording.without_brand,
    "p2p_mimicry": wording.private_look,
    "public_shortener": _first(links.is_shortened),
    "url_ip_literal": _first(links.is_bare_address),
    "url_punycode_mixed": _first(links.is_look_alike),
    "url_forbidden_country": _link_or_phone,
    "url_unregistered_domain": _undeclared,
    "url_not_https": _first(lambda link: link.scheme == "http"),
    "url_glued": _glued,
    "url_multiple": _second,
    "leet_or_confusable": _look_alikes,
    "homoglyph_brand": _imitated_name,
    "invisible_characters": lambda look: letters.invisible(look.text),
    "phishing_pattern": wording.lure,
    "secret_in_body": wording.secret,
    "otp_plus_link": wording.code_with_link,
    "otp_asks_reply": wording.code_passed_on,
    "otp_marketing": wording.promotion_beside_code,
    "class_mismatch": wording.promotion,
    **{
        name: _topic(name)
        for name in (
            *("shaft_sex", "shaft_alcohol", "shaft_firearms", "shaft_tobacco"),
            *("cannabis", "gambling", "high_risk_finance", "lead_generation"),
        )
    },
    "country_forbids": _forbidden_topic,
    "all_caps": _shouts,
    "punctuation_runs": _runs_of_marks,
    "currency_lure": _money_lure,
    "abbreviation_overuse": _chat,
}
_KINDS: Final = ("otp", "transactional", "support", "promotional")
_OF_KIND: Final = {
    kind: tuple((name, RULES[name], check) for name, check in _CHECKS.items() if kind in RULES[name].kinds)
    for kind in _KINDS
}
