"""Short links: tokens, texts, and who is taken for a person."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.links import Visit, is_token, judge, shorten, token_of

BASE = "https://go.example.com"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_tokens_are_short_and_keep_all_their_bits(one: bytes, other: bytes) -> None:
    assert is_token(token_of(one)) and len(token_of(one)) == 11
    assert (token_of(one) == token_of(other)) == (one == other)


@pytest.mark.parametrize("text", ["", "short", "0" * 12, "../../etc/p", "0000000000é", "0000 000000", "０" * 11])
def test_what_can_be_no_token(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("See https://a.example/x?y=1.", "See {0}."),
        ("https://a.example https://b.example/z", "{0} {1}"),
        ("Twice: https://a.example and https://a.example", "Twice: {0} and {0}"),
        ("(http://a.example/b)", "({0})"),
        ("Ours: https://go.example.com/abc", None),
        ("No scheme: a.example/x", None),
        ("Write to anna@a.example", None),
        ("No link at all", None),
    ],
)
def test_web_addresses_become_short_links(text: str, short: str | None) -> None:
    tokens = (f"token{number}" for number in itertools.count())
    found, links = shorten(text, BASE, lambda: next(tokens))
    assert found == (text if short is None else short.format(*(f"{BASE}/token{number}" for number in range(5))))
    assert all(url in text for _, url in links)


@given(st.lists(st.sampled_from(["https://a.example/x", "http://b.example", "word", "a.example", ".", "\n"])))
def test_who_follows_all_short_links_finds_the_text_again(words: list[str]) -> None:
    text = " ".join(words)
    tokens = (f"{number:011d}" for number in itertools.count())
    found, links = shorten(text, BASE, lambda: next(tokens))
    urls = dict(links)
    assert re.sub(f"{BASE}/([0-9]{{11}})", lambda match: urls[match[1]], found) == text


@pytest.mark.parametrize(
    ("visit", "agent", "bot"),
    [
        (Visit("GET", IPHONE, "", 60_000), "ios", None),
        (Visit("GET", ANDROID, "", 2_000), "android", None),
        (Visit("GET", DESKTOP, "", 60_000), "desktop", None),
        (Visit("GET", DESKTOP, "", 2_000), "desktop", "too_soon"),
        (Visit("GET", IPHONE, "", None), "ios", "before_sent"),
        (Visit("HEAD", IPHONE, "", 60_000), "ios", "head"),
        (Visit("GET", IPHONE, "prefetch;prerender", 60_000), "ios", "prefetch"),
        (Visit("GET", "", "", 60_000), "other", "no_agent"),
        (Visit("GET", "facebookexternalhit/1.1 Facebot Twitterbot/1.0", "", 60_000), "other", "program"),
        (Visit("GET", "WhatsApp/2.24 A", "", 60_000), "other", "program"),
        (Visit("GET", "TelegramBot (like TwitterBot)", "", 60_000), "other", "program"),
        (Visit("GET", "Slackbot-LinkExpanding 1.0", "", 60_000), "other", "program"),
        (Visit("GET", "Mozilla/5.0 (X11; Linux) HeadlessChrome/130.0", "", 60_000), "desktop", "program"),
        (Visit("GET", "curl/8.5.0", "", 60_000), "other", "program"),
        (Visit("GET", "python-requests/2.32", "", 60_000), "other", "program"),
    ],
)
def test_programs_are_told_from_people(visit: Visit, agent: str, bot: str | None) -> None:
    assert judge(visit) == (agent, bot)
