"""What a text says that it should not, or does not say that it should: notices, lures, codes, what was never filled."""

import re
from typing import Final

from heliograph.core.lint.links import belongs
from heliograph.core.lint.look import Look
from heliograph.core.lint.rules import DATA

Span = tuple[int, int]

# -- opting out

_opt_out: Final = re.compile(
    r"\b(?:reply|text|txt|send|rply)\s+(?:with\s+)?[\"'“‘]?(?:stop|end|quit|cancel|unsubscribe)\b"
    r"|\bstop\s+to\s+(?:opt[\s-]?out|end|cancel|unsubscribe|stop|quit)\b"
    r"|\b(?:opt[\s-]?out|unsubscribe|abmelden|abbestellen|d[ée]sinscription|d[ée]sabonnement|disiscriviti|afmelden"
    r"|baja|cancelar)\s*:\s*\S"
    r"|\b(?:opt[\s-]?out|unsubscribe)\b[^.!?\n]{0,20}(?:https?://|www\.|\w\.\w)"
    r"|\b(?:respond[ea]|env[ií][ae]|enviar|r[ée]pondez|envoyez|antworten?|senden?|stuur|rispondi|invia|svara?|"
    r"odpowiedz|wy[śs]lij)\b[^.!?\n]{0,20}\b(?:stopp?|baja|parar|sair|arr[eê]t|ende|abmelden)\b"
    r"|\b(?:stopp?|parar|baja)\s+(?:antworten|senden|para|pour|per|au|an|al|naar|til|till|na)\b"
).search
_glued: Final = re.compile(
    r"(?:stop|quit|end)(?:[24][a-z]{3}|\s?=\s?[a-z]|\s[24]\s?(?:end|stop|quit|opt|cancel|unsub))"
    r"|s[^\w\s]t[^\w\s]o[^\w\s]p|s\st\so\sp"
).finditer
_replies: Final = re.compile(
    r"\b(?:reply|text|send|txt)\s+(?:with\s+)?[\"'“‘]?(?:stop|end|quit|cancel|unsubscribe)\b"
).search
_SPELLED: Final = frozenset("stop")
_ENDING: Final = 70  # where the notice usually stands

# -- codes, lures and secrets

_passed_on: Final = re.compile(r"\b(?:reply|send|forward)\b[^.!?\n]{0,20}\b(?:code|pin)\b").finditer
_wanted: Final = re.compile(
    r"\b(reply|send|text|tell|provide|submit|confirm|verify|update|enter)\b[^.!?\n]{0,24}\b(?:your\s)?"
    r"(?:pin|passwords?|passcode|card (?:number|details)|cvv|cvc|ssn|bank (?:details|account number))\b"
).finditer
_CODES: Final = frozenset({"code", "pin"})
_never: Final = re.compile(r"\b(?:not|never|n't|nobody|no one|no-one|cannot)\b|n[’']t\b").search
_SECRETS: Final = frozenset(["pin", "password", "passwords", "passcode", "card", "cvv", "cvc", "ssn", "bank"])
_key: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\b(?:sk|rk)_(?:live|test)_\w{10}"
    r"|\bgh[pousr]_\w{20}|\bxox[abp]-\w{5}|\bhg_(?:live|test)_\w{10}|\beyJ[\w-]{15,}\.eyJ"
).search
_SHORTEST_KEY: Final = 12
_SHORTEST_ID: Final = 4  # digits, each word counted once
_card: Final = re.compile(r"(?<![\w+#-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])").finditer
_social_security: Final = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])").search

# -- what was never filled

_opening: Final = re.compile(r"[{\[<]|%[A-Z(sd]|\*\|").search
_placeholder: Final = re.compile(
    r"\{\{[^{}\n]{0,80}\}\}|\$?\{#?[A-Za-z_][\w.]{0,40}#?\}|\{%[^{}\n]{0,80}%\}|<%[^<>\n]{0,80}%>|\[\[[^\[\]\n]{0,80}\]\]"
    r"|%[A-Z_]{2,40}%|%\([a-z_]{1,40}\)[sd]|(?<![\w%])%[sd](?!\w)|\*\|\w{1,40}\|\*|\[object Object\]"
    r"|(?i:[\[<](?:(?:insert|your|customer|first|last|order|user|company|brand|tracking)[ _-]?){0,2}"
    r"(?:name|date|time|amount|code|link|url|number|order|company|brand)[\]>])"
).search
_nothing: Final = re.compile(
    r"\bundefined\b|\bnull\b(?! and void)|\b(?:Hi|Hello|Hey|Dear|Mr|Ms|Mrs)\s(?:None|NaN)\b|\bNaN\b"
).search
_NOTHINGS: Final = frozenset({"undefined", "null", "none", "nan"})

_private: Final = re.compile(
    r"\W*(?:(?:hi|hey|hello)\b[^\n]{0,15}?)?\b(?:this is [A-Z][a-z]{1,15}\b(?! (?:from|at|of|with)\b)|[Ii]s this\b)",
).match
_private_start: Final = re.compile(r"\W*(?:hi|hey|hello|this is|is this)\b", re.IGNORECASE).match
_PRIVATE_HEAD: Final = 60


def without_opt_out(look: Look) -> Span | None:
    lower = look.lower
    if _opt_out(lower, max(0, len(lower) - _ENDING)) or _opt_out(lower):
        return None
    if not lower.isascii() and any(word in lower for word in DATA.opt_out_words):
        return None
    return len(look.text), len(look.text)


def disguised_opt_out(look: Look) -> Span | None:
    marked = "=" in look.lower or any("2" in word or "4" in word for word in look.odd_words)
    if not (marked or look.words >= _SPELLED):
        return None
    for match in _glued(look.lower):
        before = look.lower[match.start() - 1] if match.start() else " "
        if not before.isalnum():
            return _span(look, match)
    return None


def dead_end(look: Look) -> Span | None:
    if look.circumstances.sender_type != "alphanumeric":
        return None
    match = _replies(look.lower)
    return _span(look, match) if match else None


def without_brand(look: Look) -> Span | None:
    """A name as sender says who writes; where no brand is known nobody can tell."""
    given = look.circumstances
    return None if not given.brands or given.sender_type == "alphanumeric" or look.names_brand else (0, 0)


def private_look(look: Look) -> Span | None:
    if without_brand(look) is None or not look.links or not _private_start(look.text):
        return None
    head = look.text[:_PRIVATE_HEAD]
    match = _private(head) or _private(head[:1].lower() + head[1:])
    return match.span() if match else None


def lure(look: Look) -> Span | None:
    """Haste, something of value and a link to who knows where; or a question for a secret."""
    domains = look.circumstances.domains
    topics = look.topics
    if "urgent" in topics and "object" in topics:
        link = next((link for link in look.links if not belongs(link.host, domains)), None)
        if link is not None:
            return link.start, link.end
    if look.words.isdisjoint(_SECRETS):
        return None
    for match in _wanted(look.lower):
        before = look.lower[max(0, match.start() - 40) : match.start()].rpartition(". ")[2]
        if not _never(before) and not _never(match.group()) and (match[1] != "enter" or look.links):
            return _span(look, match)
    return None


def secret(look: Look) -> Span | None:
    is_likely = "-----" in look.text or any(len(word) >= _SHORTEST_KEY for word in look.odd_words)
    if is_likely and (match := _key(look.text)):
        return match.span()
    if sum(map(str.isdigit, "".join(look.odd_words))) < _SHORTEST_ID:
        return None
    if match := _social_security(look.text) if "-" in look.text else None:
        return match.span()
    return next((match.span() for match in _card(look.text) if _is_card(match.group())), None)


def _is_card(written: str) -> bool:
    """A number as cards bear it: a known beginning of the right length, and the check digit of Luhn."""
    digits = [int(digit) for digit in written if digit.isdigit()]
    length, head = len(digits), digits[0] * 10 + digits[1]
    known = (
        (head // 10 == 4 and length in (13, 16, 19))
        or (length == 16 and (51 <= head <= 55 or head in (60, 65)))
        or (length == 15 and head in (34, 37))
    )
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return known and (doubled + sum(digits[-1::-2])) % 10 == 0


def code_with_link(look: Look) -> Span | None:
    return next(((link.start, link.end) for link in look.links if link.is_certain), None)


def code_passed_on(look: Look) -> Span | None:
    if look.words.isdisjoint(_CODES):
        return None
    for match in _passed_on(look.lower):
        if not _never(look.lower[max(0, match.start() - 24) : match.start()]):
            return _span(look, match)
    return None


_WEAK: Final = frozenset({"save", "free", "offer", "deal", "sale"})


def promotion_beside_code(look: Look) -> Span | None:
    """One word that only advertising uses, or two that it likes."""
    if "promotional" not in look.topics:
        return None
    words = [entry for entry in DATA.lexicons["promotional"] if look.has(entry)]
    strong = next((word for word in words if word not in _WEAK), None)
    return look.place(strong or words[0]) if strong or len(words) > 1 else None


def promotion(look: Look) -> Span | None:
    """Two words that advertising likes, or a discount."""
    if "promotional" not in look.topics:
        return None
    words = [entry for entry in DATA.lexicons["promotional"] if look.has(entry)]
    return look.place(words[0]) if len(words) > 1 or words == ["% off"] else None


def placeholder(look: Look) -> Span | None:
    opening = _opening(look.text)
    match = _placeholder(look.text, max(0, opening.start() - 1)) if opening else None
    if match is None and not look.words.isdisjoint(_NOTHINGS):
        match = _nothing(look.text)
    return match.span() if match else None


def _span(look: Look, match: re.Match[str]) -> Span:
    """The place of a match in the lower-case text; where that has another length, the whole."""
    return match.span() if len(look.lower) == len(look.text) else (0, len(look.text))
