"""Where a provider reports to, and by what name it knows a message."""

from urllib.parse import parse_qs, urlsplit

import pytest

from heliograph.carriers import catalogue
from heliograph.core import ids
from tests.carriers.http.link import KINDS, PUBLIC, TOKEN, lost, opened, text
from tests.carriers.network import NOW


@pytest.mark.asyncio
async def test_the_callback_url_holds_connector_token_and_reference() -> None:
    link = await opened()
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url.startswith(f"{PUBLIC}/in/main/status?")
    assert " " not in url and parse_qs(urlsplit(url).query) == {"token": [TOKEN], "ref": [link.ref()]}


@pytest.mark.asyncio
async def test_without_a_token_the_url_holds_the_reference_alone() -> None:
    link = await opened(callback_token=None)
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url == f"{PUBLIC}/in/main/status?ref={link.ref()}"


@pytest.mark.asyncio
@pytest.mark.parametrize("public_url", [f"{PUBLIC}/", f"{PUBLIC}/sms", f"{PUBLIC}/sms/"])
async def test_the_public_url_may_have_a_path(public_url: str) -> None:
    link = await opened(public_url=public_url)
    link.submit(text())
    url = parse_qs(link.calls[0].body.decode())["StatusCallback"][0]
    assert url.startswith(f"{public_url.rstrip('/')}/in/main/status?token=")


@pytest.mark.asyncio
async def test_without_a_public_url_no_reports_are_asked_for() -> None:
    link = await opened(public_url=None)
    link.submit(text())
    assert "StatusCallback" not in parse_qs(link.calls[0].body.decode())


@pytest.mark.asyncio
@pytest.mark.parametrize("at", [NOW, 1_795_210_200_000, 4_102_444_800_000], ids=["2023", "2026", "2100"])
@pytest.mark.parametrize("number", [1, 31, 32, 1_000_000, 2_000_000_000, 900_000_000_000])
@pytest.mark.parametrize("attempt", [1, 8, 31])
async def test_a_reference_is_short_and_reads_back(at: int, number: int, attempt: int) -> None:
    link = await opened()
    link.submit(text(number, accepted_at=at), attempt=attempt)
    ref = link.ref()
    assert len(ref) <= 20
    assert ids.read_reference(ref) == (number, attempt)


@pytest.mark.asyncio
async def test_no_two_attempts_share_a_reference() -> None:
    link = await opened()
    refs = []
    for number in (1, 2, 1_001):
        for attempt in (1, 2, 3):
            link.submit(text(number), attempt=attempt)
            refs.append(link.ref())
    assert len(set(refs)) == 9


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("possible_duplicate", "attempt", "named"), [(0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 2, 1), (1, 3, 3)]
)
async def test_what_may_have_been_taken_goes_again_under_its_own_name(
    possible_duplicate: int, attempt: int, named: int
) -> None:
    """Which of several tries was the unknown one is not known any more at the third."""
    link = await opened()
    link.submit(text(7, possible_duplicate=possible_duplicate), attempt=attempt)
    assert ids.read_reference(link.ref()) == (7, named)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [kind for kind in KINDS if catalogue.PROVIDERS[kind].capabilities.idempotent])
async def test_a_provider_that_takes_a_name_once_is_given_the_same_request_again(kind: str) -> None:
    link = await opened(kind)
    link.submit(text(7))
    link.calls[0].done(lost("timeout"))
    link.clock.pass_ms(2_300)
    link.submit(text(7, possible_duplicate=1), attempt=2)
    first, again = link.calls
    name = ids.reference(NOW, 7, 1)
    for call in (first, again):
        assert name in f"{call.url} {call.headers} {call.body.decode()}"
    assert again.url == first.url
    if kind == "telnyx":  # compares requests to the byte, and refuses one that differs
        assert (again.headers, again.body) == (first.headers, first.body)
