"""A code goes out by every channel in every language, and is found again in what went out."""

from typing import Any

import msgspec
import pytest

from heliograph.core.channels import CHANNELS
from heliograph.core.verify import texts
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.products.verify.ways import AVAILABLE, Way, code_in, request_of, wrong
from tests.carriers.network import message

POLICY = VerifyPolicy(whatsapp_template="login_code")


def sent(channel: str, code: str, locale: str) -> Any:
    """The message that a request for this channel becomes."""
    text = texts.write(code, "Acme 24", 10, locale, origin="example.com", app_hash="FA+9qCX9VSu")
    request = request_of(Way(channel, "+447400100200", "ann@example.com", "Acme", 600), code, text, POLICY)
    content = msgspec.convert(request.content or {}, CHANNELS[channel].content)
    assert content.wrong(request.text or "") is None
    kept = msgspec.json.encode(content).decode()
    return message(1, to=request.to, text=request.text or "", content=kept, channel=channel)


@pytest.mark.parametrize("channel", AVAILABLE)
@pytest.mark.parametrize("code", ["482913", "7K3M9P2Q"])
def test_the_code_is_found_again_in_every_language(channel: str, code: str) -> None:
    for locale in texts.languages():
        assert code_in(sent(channel, code, locale), lambda typed: typed == code) == code, locale


def test_only_texts_have_lines_for_machines() -> None:
    assert "@example.com #482913" in sent("sms", "482913", "en").text
    for channel in ("voice", "email"):
        said = sent(channel, "482913", "en")
        assert "@example.com" not in said.text and "FA+9qCX9VSu" not in said.text
    assert "4, 8, 2, 9, 1, 3" in sent("voice", "482913", "en").text


@pytest.mark.parametrize(
    ("channel", "policy", "email", "code"),
    [
        ("sms", VerifyPolicy(), None, None),
        ("voice", VerifyPolicy(), None, None),
        ("email", VerifyPolicy(), None, "missing_field"),
        ("email", VerifyPolicy(), "ann@example.com", None),
        ("whatsapp", VerifyPolicy(), None, "unknown_channel"),
        ("whatsapp", POLICY, None, None),
    ],
)
def test_what_a_channel_lacks_is_told(channel: str, policy: VerifyPolicy, email: str | None, code: str | None) -> None:
    refusal = wrong(channel, policy, email, "/channel")
    assert (refusal.code if refusal else None) == code
