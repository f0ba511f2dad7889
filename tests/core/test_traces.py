"""What of a request may be kept: places and names stay, numbers and sentences go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import traces

PATHS = [
    ("/v1/messages", "/v1/messages"),
    ("/v1/messages/msg_01m7zh2srye00bp55rfwv4x3ea/events", "/v1/messages/msg_01m7zh2srye00bp55rfwv4x3ea/events"),
    ("/v1/endpoints/orders-2/test", "/v1/endpoints/orders-2/test"),
    ("/v1/templates/welcome@12", "/v1/templates/welcome@12"),
    (
        "/2010-04-01/Accounts/AC" + "0a" * 16 + "/Messages.json",
        "/2010-04-01/Accounts/AC" + "0a" * 16 + "/Messages.json",
    ),
    ("/v1/keys/f7wf95467w/rotate", "/v1/keys/f7wf95467w/rotate"),
    ("/v1/keys/f123456abc", "/v1/keys/…"),
    ("/v1/keys/x4477009001", "/v1/keys/…"),
    ("/v1/lookup/0770-09-00", "/v1/lookup/…"),
    ("/v1/lookup/+447700900123", "/v1/lookup/…"),
    ("/v1/lookup/07700 900123", "/v1/lookup/…"),
    ("/v1/lookup/077-009-00123", "/v1/lookup/…"),
    ("/v1/people/ada@example.com/export", "/v1/people/…/export"),
    ("/v1/messages/Hello Ada", "/v1/messages/…"),
    ("/v1/declared/senders/60606", "/v1/declared/senders/…"),
    ("/" + "x" * 65, "/…"),
    ("/a" * 30, "/a" * 11 + "/…"),
    ("/\0", "/…"),
    ("/\udcff", "/…"),
]


@pytest.mark.parametrize(("path", "kept"), PATHS)
def test_a_path_says_where_it_leads_and_no_more(path: str, kept: str) -> None:
    assert traces.path(path) == kept


def test_a_pointer_names_fields_and_places() -> None:
    assert traces.pointer("/messages/9999/variables/first_name") == "/messages/9999/variables/first_name"
    assert traces.pointer("/Dear Ada, your code is 1234") == "/…"
    assert traces.pointer("/+447700900123") == "/…"


def test_of_a_query_the_names_are_kept() -> None:
    assert traces.names(b"to=%2B447700900123&text=Hello&to=x&flag") == ("to", "text", "flag")
    assert traces.names(b"+447700900123=1") == ("…",)
    assert traces.names(b"") == ()
    assert len(traces.names(b"&".join(b"n%c" % letter for letter in b"abcdefghijklmnopqrst"))) == 12


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (b"req_5030d4afa116000001", "req_5030d4afa116000001"),
        (b"7b0c1d7e-1234-4567-8901-123456789012", "7b0c1d7e-1234-4567-8901-123456789012"),
        (b"4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        (b"checkout-17", "checkout-17"),
        (b"python-requests/2.32.3", "python-requests/2.32.3"),
        (b"for +447700900123", "for …"),
        (b"order447700900123x", "order…x"),
        (b"mail ada@example.com", "mail …"),
        (b"a\0b\x1b", "ab"),
        (b"x" * 200, "x" * 64),
    ],
)
def test_an_id_or_an_agent_keeps_no_number_and_no_address(header: bytes, kept: str) -> None:
    assert traces.label(header) == kept


@given(st.integers(10**6, 10**15), st.text(max_size=20), st.text(max_size=20))
def test_no_number_gets_through(number: int, before: str, after: str) -> None:
    text = f"{before}{number}{after}"
    assert str(number) not in traces.path(f"/v1/{text}")
    assert str(number) not in traces.pointer(f"/{text}")
    assert str(number) not in " ".join(traces.names(text.encode()))
