"""What each channel takes, and what it refuses with the place and the reason."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import senders
from heliograph.core.channels import CHANNELS, channel_of
from heliograph.core.channels.email import is_email, read_address, split_sender

JPG = {"url": "https://example.com/a.jpg"}
TEMPLATE = {"name": "hello", "language": "en"}


@pytest.mark.parametrize(
    ("channel", "content", "text", "pointer"),
    [
        ("email", {"subject": "Hi", "html": "<p>Hi</p>"}, "Hi", None),
        ("email", {"subject": " "}, "Hi", "/content/subject"),
        ("email", {"subject": "Hi", "html": "a\0b"}, "Hi", "/content/html"),
        ("mms", {"media": [JPG]}, "", None),
        ("mms", {"media": [JPG]}, "x" * 1_601, "/text"),
        ("mms", {"media": [{"url": "http://example.com/a.jpg"}]}, "", "/content/media/0/url"),
        ("mms", {"media": [JPG, {"url": "https://example.com/a"}]}, "", "/content/media/1/content_type"),
        ("mms", {"media": [{"url": "https://example.com/a", "content_type": "image/png"}]}, "", None),
        ("mms", {"media": [{"url": "https://example.com/a.exe"}]}, "", "/content/media/0/content_type"),
        ("mms", {"media": [JPG | {"size_bytes": 5_000_001}]}, "", "/content/media/0/size_bytes"),
        ("mms", {"media": [JPG | {"size_bytes": 3_000_000}] * 2}, "", "/content/media"),
        ("mms", {"media": [JPG] * 11}, "", "/content/media"),
        ("rcs", {}, "Hi", None),
        ("rcs", {"media": [JPG]}, "", None),
        ("rcs", {}, "x" * 3_073, "/text"),
        ("voice", {}, "Hi", None),
        ("voice", {"language": "english"}, "Hi", "/content/language"),
        ("voice", {"voice": '"/><Hangup'}, "Hi", "/content/voice"),
        ("voice", {}, "x" * 1_501, "/text"),
        ("whatsapp", {}, "Hi", None),
        ("whatsapp", {"template": TEMPLATE}, "", None),
        ("whatsapp", {"template": TEMPLATE}, "Hi", "/text"),
        ("whatsapp", {"template": TEMPLATE | {"name": "Hello!"}}, "", "/content/template/name"),
        ("whatsapp", {"template": TEMPLATE | {"language": "english please"}}, "", "/content/template/language"),
    ],
)
def test_what_a_channel_takes(channel: str, content: dict[str, Any], text: str, pointer: str | None) -> None:
    refusal = msgspec.convert(content, CHANNELS[channel].content).wrong(text)
    assert (refusal.pointer if refusal else None) == pointer


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ann@example.com", True),
        ("a.b+c@mail.example.co.uk", True),
        ("ann@example", False),
        ("ann@@example.com", False),
        (".ann@example.com", False),
        ("a..b@example.com", False),
        ("ann@-example.com", False),
        ("ann@example.com\r\nRCPT TO:<x@example.com>", False),
        ("<ann@example.com>", False),
        ("änn@example.com", False),
        ("a" * 65 + "@example.com", False),
    ],
)
def test_an_address_of_e_mail(text: str, good: bool) -> None:
    assert is_email(text) == good


@given(st.text())
def test_nothing_in_an_address_can_end_a_line_or_leave_its_brackets(text: str) -> None:
    address = read_address(text)
    if isinstance(address, str):
        assert address.isascii() and not any(letter in address for letter in '\r\n <>"\\,:;()[]\0')
        assert address == address.lower() and read_address(address) == address


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("hello@acme.example", ("", "hello@acme.example")),
        ("Acme News <hello@acme.example>", ("Acme News", "hello@acme.example")),
        ('"Acme" <hello@acme.example>', ("Acme", "hello@acme.example")),
        ("Acme", None),
        ("Acme <hello>", None),
        ("Acme\n<a@b.example>", None),
    ],
)
def test_a_sender_of_e_mail(value: str, parts: tuple[str, str] | None) -> None:
    assert split_sender(value) == parts


@pytest.mark.parametrize(
    ("sender", "kind", "channel"),
    [
        ("Acme", "alphanumeric", None),
        ("+15550001111", "long_number", None),
        ("whatsapp:+15550001111", "whatsapp", "whatsapp"),
        ("rcs:acme_support", "rcs", "rcs"),
        ("Acme <hello@acme.example>", "email", None),
        ("fax:1", None, None),
    ],
)
def test_a_sender_tells_its_channel(sender: str, kind: str | None, channel: str | None) -> None:
    assert (senders.type_of(sender), channel_of(sender)) == (kind, channel)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_sender_of_another_channel_is_none_of_this_one(name: str) -> None:
    shapes = {"alphanumeric": "Acme", "long_number": "+15550001111", "toll_free": "+18005550111", "short_code": "60606"}
    shapes |= {"email": "a@b.example", "whatsapp": "whatsapp:+15550001111", "rcs": "rcs:acme"}
    for kind, value in shapes.items():
        refusal = senders.check(value, {}, country="US", kind="transactional", channel=name)
        assert (refusal is None) == (
            kind in CHANNELS[name].senders or (kind == "toll_free" and "long_number" in CHANNELS[name].senders)
        )
