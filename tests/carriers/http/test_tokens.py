"""Providers that take OAuth 2.0 client credentials: one token for all texts, renewed in time, and nothing in doubt."""

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import pytest

from heliograph.carriers import catalogue
from tests.carriers.http.link import HTML, OPEN, SECRETS, Link, Sent, lost, text, whole, yes

TOKEN_URL = "https://auth.example.test/oauth2/token"
GRANT = {"token_url": TOKEN_URL, "client_id": "heliograph prod", "client_secret": "grant-s3cret/:%"}
OWN = {"bandwidth": ("username", "password"), "infobip": ("api_key",), "sinch": ("token",), "http": ("token",)}
KINDS = tuple(OWN)
# (what the token says of its life, how much later a text comes, whether a new one is asked for)
LIVES = [(3_600, 3_000, False), (3_600, 3_300, True), ('"soon"', 200, False), ('"soon"', 290, True)]


def granted(kind: str, **changes: Any) -> dict[str, Any]:
    """A connector as a file would declare it, with a grant instead of the provider's own proof."""
    spec = {"kind": kind, "callback_token": "unguessable", **OPEN[kind], **SECRETS[kind], **GRANT}
    for name in OWN[kind]:
        del spec[name]
    if kind == "http":
        spec["auth"] = {"kind": "oauth2"}
    return spec | changes


async def opened(kind: str, **changes: Any) -> Link:
    spec = granted(kind, **changes)
    assert catalogue.check(kind, spec) is None
    link = Link("twilio")
    carrier = catalogue.build(kind, "main", {k: v for k, v in spec.items() if k != "kind"}, link.world)
    link.carrier = carrier  # type: ignore[assignment]
    await carrier.start(link)
    return link


def token(word: str = "tok-1", life: Any = 3_600) -> Any:
    return whole(
        200, b'{"access_token":"%b","token_type":"Bearer","expires_in":%b}' % (word.encode(), str(life).encode())
    )


def said(call: Sent) -> str:
    return call.headers["Authorization"]


def submit(link: Link, number: int = 1) -> None:
    link.submit(text(number, sender="+15005550006"))


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_is_fetched_once_for_all_texts_that_wait(kind: str) -> None:
    link = await opened(kind)
    for number in (1, 2, 3):
        submit(link, number)
    (asked,) = link.calls
    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    user = b64decode(said(asked).removeprefix("Basic ")).decode()
    assert user == "heliograph%20prod:grant-s3cret%2F%3A%25", "as RFC 6749 has it: each part quoted"
    asked.done(token())
    assert [said(call) for call in link.calls[1:]] == ["Bearer tok-1"] * 3
    submit(link, 4)
    assert said(link.calls[4]) == "Bearer tok-1"
    link.calls[1].done(yes(kind))
    assert link.outcome().state == "accepted"


@pytest.mark.asyncio
async def test_a_scope_is_asked_for_where_one_is_set() -> None:
    link = await opened("infobip", token_scope="sms:send")
    submit(link)
    assert parse_qs(link.calls[0].body.decode())["scope"] == ["sms:send"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("life", "after_s", "is_new"), LIVES)
async def test_a_token_is_renewed_before_it_ends(life: Any, after_s: int, is_new: bool) -> None:
    link = await opened("sinch")
    submit(link)
    link.calls[0].done(token(life=life))
    link.calls[1].done(yes("sinch"))
    link.clock.pass_ms(after_s * 1_000)
    submit(link, 2)
    assert (link.calls[2].url == TOKEN_URL) is is_new


@pytest.mark.asyncio
async def test_a_token_that_is_refused_is_renewed_once() -> None:
    link = await opened("bandwidth")
    submit(link)
    link.calls[0].done(token())
    link.calls[1].done(whole(401, HTML))
    assert link.calls[2].url == TOKEN_URL and link.answers == []
    link.calls[2].done(token("tok-2"))
    assert said(link.calls[3]) == "Bearer tok-2" and link.calls[3].body == link.calls[1].body
    link.calls[3].done(whole(401, HTML))
    assert link.outcome().failure == "unauthorised" and len(link.calls) == 4 and not link.is_up


# What becomes of a text when there is no token: it never left, so nobody can have taken it.
WITHOUT = {
    "our credentials are wrong": (whole(401, b'{"error":"invalid_client"}'), "unauthorised", "invalid_client"),
    "a request that they don't take": (whole(400, HTML), "unauthorised", "400"),
    "no answer in time": (lost("timeout"), "transient", "no_token"),
    "a reset": (lost("reset"), "transient", "no_token"),
    "no such name": (lost("dns_failed"), "transient", "no_token"),
    "a server's fault": (whole(500, HTML), "transient", "no_token"),
    "a page instead of a token": (whole(200, HTML), "transient", "no_token"),
    "a list instead of an object": (whole(200, b"[]"), "transient", "no_token"),
    "a token that is none": (whole(200, b'{"access_token":5}'), "transient", "no_token"),
    "a token that no header may have": (whole(200, b'{"access_token":"a\\r\\nb"}'), "transient", "no_token"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("what", WITHOUT)
async def test_without_a_token_a_text_is_refused_and_never_in_doubt(what: str) -> None:
    exchange, failure, code = WITHOUT[what]
    link = await opened("infobip")
    submit(link)
    link.calls[0].done(exchange)
    outcome = link.outcome()
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", failure, code)
    submit(link, 2)
    assert len(link.calls) == 2 and link.calls[1].url == TOKEN_URL, "the next text asks again"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_neither_the_secret_nor_a_token_is_recorded(kind: str) -> None:
    link = await opened(kind)
    submit(link)
    link.calls[0].done(token("tok-s3cret"))
    link.calls[1].done(whole(401, HTML))
    recorded = b"".join(link.carrier.recorder.jsonl(texts=True)).decode()
    assert "tok-s3cret" not in recorded and "grant-s3cret" not in recorded


@pytest.mark.parametrize("kind", ["bandwidth", "infobip", "sinch"])
@pytest.mark.parametrize("missing", [*GRANT, "own"])
def test_what_proves_us_is_whole_or_refused(kind: str, missing: str) -> None:
    spec = granted(kind)
    for name in GRANT if missing == "own" else (missing,):
        del spec[name]
    wrong = catalogue.check(kind, spec)
    assert wrong is not None
    assert wrong[0] == (OWN[kind][0] if missing == "own" else missing) and "OAuth 2.0" in wrong[1]


@pytest.mark.parametrize("missing", GRANT)
def test_a_declared_connector_needs_the_whole_grant(missing: str) -> None:
    spec = granted("http")
    del spec[missing]
    assert catalogue.check("http", spec) == (missing, "auth of the kind oauth2 needs it")
    assert catalogue.check("http", granted("http", auth={"kind": "none"})) is not None


def test_projects_of_sinch_have_hosts_of_their_own() -> None:
    link = Link("sinch")
    spec = {k: v for k, v in granted("sinch").items() if k != "kind"}
    provider = catalogue.build("sinch", "main", spec, link.world)._provider  # type: ignore[attr-defined]
    assert provider.batches.startswith("https://zt.eu.sms.api.sinch.com/")
