"""The generic connector, tried with the settings in docs/generic-http.md and what was recorded of their providers."""

import re
import tomllib
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from heliograph.carriers.http.generic import Generic
from heliograph.carriers.http.provider import Callback, Heard, Text
from tests.carriers.http.generic import FORM, HELLO, HOOK, PAGE
from tests.carriers.http.harness import (
    NOW,
    answer_of,
    assert_outcome,
    assert_receipts,
    assert_request,
    assert_survives,
    build,
    callback_of,
    examples,
    vectors,
)

# What the references to variables stand for in the recorded exchanges.
VARIABLES = {
    "SMSTO_KEY": "SMSTO_KEY",
    "SMSTO_WEBHOOK_SECRET": "smsto_endpoint_secret",
    "ELKS_USERNAME": "u",
    "ELKS_PASSWORD": "p",
    "AFRICASTALKING_USERNAME": "acme",
    "AFRICASTALKING_KEY": "KEY",
    "KANNEL_USERNAME": "u",
    "KANNEL_PASSWORD": "p",
    "JASMIN_USERNAME": "u",
    "JASMIN_PASSWORD": "p",
}


def declared() -> dict[str, dict[str, Any]]:
    """The connectors of the page, as their adapter gets them."""
    found: dict[str, dict[str, Any]] = {}
    for block in re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for name, spec in tomllib.loads(block)["connectors"].items():
            assert spec.pop("kind") == "http"
            found[name.removesuffix("-declared")] = {
                key: VARIABLES.get(value[4:], "t0ken") if isinstance(value, str) and value.startswith("env:") else value
                for key, value in spec.items()
            }
    return found


DECLARED = declared()
PROVIDERS = {name: build(Generic, **spec) for name, spec in DECLARED.items()}
FOLDERS = {"smsto": "smsto", "elks": "46elks", "africastalking": "africastalking"}
JASMIN, KANNEL = examples("generic", "jasmin"), examples("generic", "kannel")

ATTALKING = Text(to="+254711000000", sender="ACME", text="Your code is 482913")
HI = Text(to="+447700900000", sender="Acme", text="Hi", valid_for_s=300)
REQUESTS: dict[str, dict[str, Text]] = {
    # the others are shortened, wrong on purpose, scheduled, or for several recipients: we never send those
    "smsto": {"one message": msgspec.structs.replace(HELLO, status_url="https://gw.example.test/hooks/smsto/01J")},
    # the others are wrong on purpose, or a dry run
    "elks": {
        "one message": msgspec.structs.replace(
            HELLO, to="+46700000000", status_url="https://gw.example.test/hooks/46elks?ref=att-1"
        )
    },
    "africastalking": dict.fromkeys(examples("africastalking", "send"), ATTALKING),
    # the others are shortened; the one in UCS-2 is tried below
    "kannel": {"text": msgspec.structs.replace(HI, status_url="https://gw.example.test/hooks/kannel?m=01J")},
    "jasmin": {"text": msgspec.structs.replace(HI, status_url="https://gw.example.test/hooks/jasmin")},
}
LEFT_OUT = {
    ("smsto", "several recipients: a campaign id comes back, not message ids"),  # never asked for; tried below
    ("elks", "dry run"),  # never asked for
    ("kannel", "text"),  # accepted without an id, so with ours; both are tried below
    ("jasmin", "no credit"),  # its code, "403 charge", is made of two places; tried below
}


def sends(name: str) -> dict[str, dict[str, Any]]:
    all_of_it = {"kannel": KANNEL, "jasmin": JASMIN}.get(name) or examples(FOLDERS[name], "send")
    return {key: one for key, one in all_of_it.items() if "response" in one}


def reports(name: str) -> dict[str, dict[str, Any]]:
    if name in FOLDERS:
        return examples(FOLDERS[name], "status_callbacks")
    all_of_it = {"kannel": KANNEL, "jasmin": JASMIN}[name]
    return {key: one for key, one in all_of_it.items() if key.startswith("receipt")}


ALL_REQUESTS = [(name, example) for name, texts in REQUESTS.items() for example in texts]
ALL_ANSWERS = [(name, one) for name in PROVIDERS for one in sends(name) if (name, one) not in LEFT_OUT]
ALL_REPORTS = [(name, one) for name in PROVIDERS for one in reports(name)]


# -- the providers of the page


def test_the_page_declares_the_five() -> None:
    assert set(PROVIDERS) == {"smsto", "elks", "africastalking", "kannel", "jasmin"}


@pytest.mark.parametrize(("name", "example"), ALL_REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str, example: str) -> None:
    call = PROVIDERS[name].request(REQUESTS[name][example])
    assert_request(call, sends(name)[example]["request"], headers=("authorization", "accept", "apikey"))


@pytest.mark.parametrize(("name", "example"), ALL_ANSWERS)
def test_a_recorded_answer_is_read(name: str, example: str) -> None:
    one = sends(name)[example]
    assert_outcome(PROVIDERS[name].answer(HELLO, answer_of(one["response"])), one["expect"])


@pytest.mark.parametrize(("name", "example"), ALL_REPORTS)
def test_a_recorded_report_is_read(name: str, example: str) -> None:
    one, provider = reports(name)[example], PROVIDERS[name]
    request, expect = one["request"], one["expect"]
    if name == "kannel":  # our own URL calls the reference `ref`, and it is the id
        request, expect = request | {"url": request["url"].replace("m=", "ref=")}, expect | {"message_id": "01J"}
    elif "json" in request:  # an account that was switched to JSON
        provider = build(Generic, **DECLARED[name] | {"callback": DECLARED[name]["callback"] | {"format": "json"}})
    assert_receipts(provider.read(callback_of(request)).receipts, expect)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_recorded_reply_is_read(name: str) -> None:
    one = next(iter(examples(FOLDERS[name], "inbound").values()))  # Africa's Talking: the other is no text
    heard = PROVIDERS[name].read(callback_of(one["request"]))
    [inbound] = heard.inbound
    assert not heard.receipts
    assert (inbound.sender, inbound.to, inbound.text) == tuple(one["expect"][key] for key in ("from_", "to", "text"))
    assert inbound.carrier_id
    assert one["expect"]["message_id"] in (inbound.carrier_id, None)


def test_a_reply_over_jasmin_is_read_and_thanked_for() -> None:
    callback = callback_of(JASMIN["inbound"]["request"])
    [inbound] = PROVIDERS["jasmin"].read(callback).inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+447700900000", "12345", "Hello")
    thanks = PROVIDERS["jasmin"].thanks(callback)
    assert (thanks.status, thanks.body) == (200, b"ACK/Jasmin")
    assert PROVIDERS["elks"].thanks(callback).status == 204


def test_a_reply_without_an_id_is_known_by_what_it_says_and_when() -> None:
    request = examples("smsto", "inbound")["reply"]["request"]
    [inbound] = PROVIDERS["smsto"].read(callback_of(request)).inbound
    [again] = PROVIDERS["smsto"].read(callback_of(request, at=NOW + 3_600_000)).inbound
    [later] = (
        PROVIDERS["smsto"].read(callback_of(request | {"raw_body": request["raw_body"].replace("08Z", "09Z")})).inbound
    )
    assert inbound.carrier_id == again.carrier_id != later.carrier_id


@pytest.mark.parametrize("name", vectors("smsto"))
def test_a_signature_is_judged(name: str) -> None:
    one = vectors("smsto")[name]
    assert (PROVIDERS["smsto"].verify(callback_of(one)) is None) == one["valid"]


def test_an_old_signature_is_refused() -> None:
    one = vectors("smsto")["form status callback"]
    assert PROVIDERS["smsto"].verify(callback_of(one, at=NOW + 43_199_000)) is None
    assert PROVIDERS["smsto"].verify(callback_of(one, at=NOW + 43_201_000))


@pytest.mark.parametrize("name", ["elks", "africastalking", "kannel", "jasmin"])
def test_the_token_in_the_url_is_the_proof(name: str) -> None:
    assert PROVIDERS[name].verify(callback_of({"url": f"{HOOK}?token=t0ken"})) is None
    assert PROVIDERS[name].verify(callback_of({"url": f"{HOOK}?token=other"}))


@pytest.mark.parametrize("name", PROVIDERS)
def test_nonsense_is_survived(name: str) -> None:
    assert_survives(PROVIDERS[name])


def test_a_campaign_is_no_message() -> None:
    one = sends("smsto")["several recipients: a campaign id comes back, not message ids"]
    assert PROVIDERS["smsto"].answer(HELLO, answer_of(one["response"])).state == "unknown"


def test_kannel_knows_a_message_by_our_reference() -> None:
    outcome = PROVIDERS["kannel"].answer(HELLO, answer_of(KANNEL["text"]["response"]))
    assert (outcome.state, outcome.carrier_ids) == ("accepted", (HELLO.ref,))


def test_unicode_goes_to_kannel_as_octets() -> None:
    """The recorded request is shortened, and without the plus sign."""
    call = PROVIDERS["kannel"].request(Text(to="+447700900000", sender="Acme", text="Пр", encoding="ucs2"))
    recorded = dict(KANNEL["UCS-2, encoded by us"]["request"])
    recorded["url"] = recorded["url"].replace("to=447", "to=%2B447") + "&dlr-mask=31"
    assert_request(call, recorded)
    assert "text=%04%1F%04%40" in call.url


def test_unicode_goes_to_jasmin_in_hexadecimal() -> None:
    call = PROVIDERS["jasmin"].request(Text(to="+447700900000", sender="Acme", text="Пр", encoding="ucs2"))
    form = dict(parse_qsl(call.body.decode()))
    assert (form["hex-content"], form["coding"], "content" in form) == ("041F0440", "8", False)


def test_jasmin_without_credit_is_not_authorised() -> None:
    outcome = PROVIDERS["jasmin"].answer(HELLO, answer_of(JASMIN["no credit"]["response"]))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", "unauthorised", "403")


@pytest.mark.parametrize(
    ("status", "reason", "failure", "carrier_code"),
    [
        ("FAILED", "UserInBlackList", "opted_out", "UserInBlackList"),
        ("Rejected", "SolarFlare", "permanent", "SolarFlare"),
        ("Failed", "SolarFlare", "unknown", "SolarFlare"),
        ("Failed", "", "unknown", "Failed"),
        ("Success", "UserInBlackList", None, None),
    ],
)
def test_a_bad_end_is_read_by_its_code_then_by_its_word(
    status: str, reason: str, failure: str | None, carrier_code: str | None
) -> None:
    body = urlencode({"id": "x", "status": status, "failureReason": reason}).encode()
    [receipt] = PROVIDERS["africastalking"].read(Callback("POST", f"{HOOK}?ref=att-7", FORM, body, NOW)).receipts
    assert (receipt.failure, receipt.carrier_code, receipt.ref) == (failure, carrier_code, "att-7")
    assert (receipt.code is None) == (failure is None)


def test_an_unknown_word_or_nobody_it_is_about_changes_nothing() -> None:
    for body in (b"id=x&status=Teleported", b"id=&status=Success", b"status=Success", b"id=x", b"senderId=A"):
        assert PROVIDERS["africastalking"].read(Callback("POST", HOOK, FORM, body, NOW)) == Heard([], [])
