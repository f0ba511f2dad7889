"""What providers are asked about a number, and how their recorded answers are read."""

from typing import Any

import pytest

from heliograph.carriers.http.infobip import Infobip
from heliograph.carriers.http.messagebird import MessageBird
from heliograph.carriers.http.provider import Answer, Provider
from heliograph.carriers.http.telnyx import Telnyx
from heliograph.carriers.http.twilio import Twilio
from heliograph.carriers.http.vonage import Vonage
from tests.carriers.http.harness import answer_of, assert_request, build, examples

NUMBER = "+447700900000"
SECRETS: dict[str, Any] = {"callback_token": "t0ken"}
ACCOUNT = {"account_sid": "AC00000000000000000000000000000001", "auth_token": "0123456789abcdef0123456789abcdef"}
ASKED: dict[str, tuple[Provider, str]] = {
    "twilio": (build(Twilio, **ACCOUNT), "lookup"),
    "telnyx": (build(Telnyx, api_key="KEY0123", **SECRETS), "lookup"),
    "messagebird": (build(MessageBird, access_key="KEY", **SECRETS), "lookup"),
    "vonage": (build(Vonage, api_key="abcd1234", api_secret="SECRET", **SECRETS), "number insight basic"),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_question_is_the_recorded_request_and_its_answer_is_understood(name: str) -> None:
    provider, example = ASKED[name]
    one = examples(name, "queries")[example]
    assert_request(provider.lookup_request(NUMBER), one["request"])
    found = provider.lookup(answer_of(one["response"]))
    assert found is not None and found.can_receive is True
    assert found.type == one["expect"]["line_type"]
    assert found.mccmnc == one["expect"].get("mccmnc")
    assert found.valid == one["expect"].get("valid")


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status, body) for status in (200, 500) for body in (b"", b"[]", b"null", b'{"data":[]}', b"<html>")),
        Answer(404, b'{"code":20404}'),
        Answer(429, b'{"valid":true,"status":0,"type":"mobile","data":{"carrier":{"type":"mobile"}}}'),
    ],
)
def test_what_is_no_answer_says_nothing(name: str, answer: Answer) -> None:
    assert ASKED[name][0].lookup(answer) is None


@pytest.mark.parametrize(
    ("word", "kind", "can"),
    [
        ("landline", "fixed", False),
        ("mobile", "mobile", True),
        ("nonFixedVoip", "voip", True),
        ("tollFree", "toll_free", False),
        ("voicemail", "voicemail", False),
        ("somethingNew", None, None),
    ],
)
def test_a_type_tells_whether_texts_can_be_received(word: str, kind: str | None, can: bool | None) -> None:
    body = b'{"valid":true,"line_type_intelligence":{"type":"%b","mobile_country_code":7}}' % word.encode()
    found = ASKED["twilio"][0].lookup(Answer(200, body))
    assert found is not None and (found.type, found.can_receive, found.mccmnc) == (kind, can, None)


def test_a_number_that_is_not_in_use_can_receive_nothing() -> None:
    found = ASKED["twilio"][0].lookup(Answer(200, b'{"valid":false,"line_type_intelligence":null}'))
    assert found is not None and found.can_receive is False


def test_who_offers_none_is_not_asked() -> None:
    provider = build(Infobip, api_key="k", base_url="https://x.api.infobip.com", **SECRETS)
    assert provider.lookup_request(NUMBER) is None and provider.lookup(Answer(200)) is None
