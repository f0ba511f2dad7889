"""Short links: the tokens that stand for web addresses, the texts that they go into, and who follows them.

A token is 64 random bits in eleven letters and digits: short in a text, and not to be found by trying.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from heliograph.core.lint.links import find

TOKEN_BYTES: Final = 8
CLICKED: Final = "clicked"
EARLY_MS: Final = 10_000  # after the message left: so soon a program follows a link, a person hardly

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_LENGTH: Final = 11  # 62 ** 11 > 2 ** 64
_token: Final = re.compile(f"[0-9A-Za-z]{{{_LENGTH}}}").fullmatch

# Programs that open links to show a picture of them, to check them, or to collect pages. They name themselves.
_PROGRAMS: Final = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|facebookcatalog|whatsapp/|telegram|skypeuri|"
    r"embedly|vkshare|pinterest/|snapchat|google-pagerenderer|google-safety|google-read-aloud|feedfetcher|"
    r"bingpreview|ms-teams|microsoft office|safelinks|mimecast|proofpoint|barracuda|zscaler|virustotal|urlscan|"
    r"headless|phantomjs|lighthouse|curl/|wget/|python|aiohttp|httpx|go-http|java/|okhttp|libwww|perl|ruby|"
    r"apache-http|node-fetch|axios|undici|postman|scrapy|monitor|uptime|cfnetwork",
    re.IGNORECASE,
)
_EARLY_LOOKS: Final = ("prefetch", "prerender", "preview")


class ShortLink(NamedTuple):
    """A link of a message, in the order of the ledger's columns."""

    token: str
    workspace: int
    environment: int
    message: int
    url: str
    created_at: int
    expires_at: int


class Visit(NamedTuple):
    """How somebody came to a link."""

    method: str
    agent: str  # what the program calls itself
    purpose: str  # what it says that it wants it for
    since_sent_ms: int | None  # how long ago the message left; None: it has not


class Click(NamedTuple):
    """What was made of it."""

    agent: str  # ios | android | desktop | other
    bot: str | None  # why it was no person; None: it was one


def token_of(random: bytes) -> str:
    """The token that eight random bytes make."""
    value = int.from_bytes(random, "big")
    letters = ""
    for _ in range(_LENGTH // 2):
        value, pair = divmod(value, 62 * 62)
        letters = _PAIRS[pair] + letters
    return _ALPHABET[value] + letters


def is_token(text: str) -> bool:
    return _token(text) is not None


def shorten(text: str, base: str, new_token: Callable[[], str]) -> tuple[str, Sequence[tuple[str, str]]]:
    """The text with a short link for each http(s) address in it, and what the tokens stand for. The same address gets
    the same token; what is a short link already stays."""
    tokens: dict[str, str] = {}
    parts: list[str] = []
    read = 0
    for link in find(text):
        url = text[link.start : link.end]
        if not link.scheme or not link.host or url.startswith(f"{base}/"):
            continue
        token = tokens.get(url) or tokens.setdefault(url, new_token())
        parts += (text[read : link.start], base, "/", token)
        read = link.end
    if not tokens:
        return text, ()
    return "".join((*parts, text[read:])), [(token, url) for url, token in tokens.items()]


def judge(visit: Visit) -> Click:
    """A person, or a program? Who can't be told from a person is one."""
    agent = _class_of(visit.agent)
    if visit.method == "HEAD":
        return Click(agent, "head")
    if any(word in visit.purpose.lower() for word in _EARLY_LOOKS):
        return Click(agent, "prefetch")
    if not visit.agent.strip():
        return Click(agent, "no_agent")
    if _PROGRAMS.search(visit.agent):
        return Click(agent, "program")
    if visit.since_sent_ms is None:
        return Click(agent, "before_sent")
    if visit.since_sent_ms < EARLY_MS and agent not in ("ios", "android"):
        return Click(agent, "too_soon")  # nobody reads a text on a desktop at once; scanners of carriers do
    return Click(agent, None)


def _class_of(agent: str) -> str:
    if "iPhone" in agent or "iPad" in agent:
        return "ios"
    if "Android" in agent:
        return "android"
    return "desktop" if any(name in agent for name in ("Windows NT", "Macintosh", "X11", "CrOS")) else "other"
