"""Signatures: published vectors, an independent verifier, and what a forger could try."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from heliograph.core.signing import Signer, key_of, secret_from, smsto_signature, verify

NOW = 1_795_000_000
SECRET = secret_from(bytes(range(32)))
OLD_SECRET = secret_from(bytes(range(32, 64)))
BODY = b'{"type":"message.delivered"}'


def _vectors(name: str) -> list[Any]:
    vectors = json.loads((Path(__file__).parent / "data" / name).read_text())["vectors"]
    return [pytest.param(one, id=one["name"]) for one in vectors if "public_key" not in one]  # no ed25519 here


def _headers(signature: bytes, webhook_id: str = "evt_1", timestamp: int = NOW) -> dict[str, str]:
    stamp = str(timestamp)
    return {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": signature.decode()}


@pytest.mark.parametrize("vector", _vectors("standard_webhooks_vectors.json"))
def test_known_vectors_are_judged_as_they_say(vector: dict[str, Any]) -> None:
    reason = verify([vector["secret"]], vector["headers"], vector["raw_body"].encode(), vector["now"])
    assert (reason is None) is vector["valid"], reason


@pytest.mark.parametrize("vector", _vectors("standard_webhooks_vectors.json"))
def test_we_sign_valid_vectors_as_their_makers_did(vector: dict[str, Any]) -> None:
    headers = vector["headers"]
    signed = Signer([vector["secret"]]).sign(
        headers["webhook-id"], int(headers["webhook-timestamp"]), vector["raw_body"].encode()
    )
    assert signed.decode() in headers["webhook-signature"].split() or not vector["valid"]


@given(
    random=st.binary(min_size=24, max_size=64),
    webhook_id=st.from_regex(r"[a-z]{3}_[0-9a-z]{1,40}", fullmatch=True),
    body=st.text(),
)
def test_the_independent_verifier_believes_us(random: bytes, webhook_id: str, body: str) -> None:
    secret, now = secret_from(random), int(time.time())  # it looks at the clock itself
    headers = _headers(Signer([secret]).sign(webhook_id, now, body.encode()), webhook_id, now)
    Webhook(secret).verify(body, headers, json_parse=False)


@given(webhook_id=st.from_regex(r"[a-z]{3}_[0-9a-z]{1,40}", fullmatch=True), body=st.text())
def test_we_believe_the_independent_signer(webhook_id: str, body: str) -> None:
    signature = Webhook(SECRET).sign(webhook_id, datetime.fromtimestamp(NOW, UTC), body)
    assert verify([SECRET], _headers(signature.encode(), webhook_id), body.encode(), NOW) is None


@pytest.mark.parametrize("held", [SECRET, OLD_SECRET], ids=["new", "old"])
def test_during_rotation_receivers_with_either_secret_believe_us(held: str) -> None:
    now = int(time.time())
    headers = _headers(Signer([SECRET, OLD_SECRET]).sign("evt_1", now, BODY), timestamp=now)
    Webhook(held).verify(BODY, headers)
    assert verify([held], headers, BODY, now) is None


def test_a_receiver_that_rotates_believes_either_of_its_secrets() -> None:
    assert verify([SECRET, OLD_SECRET], _headers(Signer([OLD_SECRET]).sign("evt_1", NOW, BODY)), BODY, NOW) is None


_GENUINE = _headers(Signer([SECRET]).sign("evt_1", NOW, BODY))


@pytest.mark.parametrize(
    ("change", "later", "reason"),
    [
        ({"webhook-id": ""}, 0, "missing_header"),
        ({"webhook-timestamp": ""}, 0, "missing_header"),
        ({"webhook-signature": ""}, 0, "missing_header"),
        ({"webhook-timestamp": "soon"}, 0, "bad_timestamp"),
        ({"webhook-timestamp": "-1"}, 0, "bad_timestamp"),
        ({"webhook-timestamp": "٣"}, 0, "bad_timestamp"),
        ({"webhook-timestamp": "9" * 5000}, 0, "bad_timestamp"),
        ({}, 301, "too_old"),
        ({}, -301, "too_new"),
        ({}, 300, None),
        ({}, -300, None),
        ({"webhook-timestamp": "{next}"}, 0, "no_match"),
        ({"webhook-id": "evt_2"}, 0, "no_match"),
        ({"webhook-signature": "v1,"}, 0, "no_match"),
        ({"webhook-signature": "v1,Ünsinn"}, 0, "no_match"),
        ({"webhook-signature": "{signature}"}, 0, "no_match"),
        ({"webhook-signature": "v1a,{signature}"}, 0, "no_match"),
    ],
)
def test_a_refused_webhook_says_why(change: dict[str, str], later: int, reason: str | None) -> None:
    signature = _GENUINE["webhook-signature"].removeprefix("v1,")
    change = {name: value.format(next=NOW + 1, signature=signature) for name, value in change.items()}
    assert verify([SECRET], _GENUINE | change, BODY, NOW + later) == reason


def test_a_signed_message_can_not_be_cut_elsewhere() -> None:
    """`a.1.2.b` could be read as id `a`, time 1, body `2.b`, or as id `a.1`, time 2, body `b`."""
    signature = Signer([SECRET]).sign("evt_1", NOW, b"%d.b" % NOW)
    assert verify([SECRET], _headers(signature, f"evt_1.{NOW}"), b"b", NOW) == "bad_id"
    with pytest.raises(ValueError, match="no dot"):
        Signer([SECRET]).sign("evt.1", NOW, BODY)


@given(st.dictionaries(st.sampled_from(sorted(_GENUINE)), st.text()), st.binary())
def test_nonsense_is_never_believed_and_never_raises(headers: dict[str, str], body: bytes) -> None:
    assert verify([SECRET], headers, body, NOW) is not None


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_holds_the_bytes_that_it_was_made_of(random: bytes) -> None:
    assert key_of(secret_from(random)) == random


@pytest.mark.parametrize("length", [0, 23, 65])
def test_secrets_of_the_wrong_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        secret_from(bytes(length))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        SECRET.removeprefix("whsec_"),
        SECRET + "!",
        SECRET[:-2],
        "whsk_" + SECRET[6:],
        "whsec_é",
    ],
)
def test_a_refused_secret_is_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64") as caught:
        Signer([secret])
    assert not secret[6:] or secret[6:] not in str(caught.value)


@pytest.mark.parametrize("vector", _vectors("smsto_signature_vectors.json"))
def test_the_smsto_shape_is_signed_as_that_provider_does(vector: dict[str, Any]) -> None:
    signature = smsto_signature(vector["secret"], 1795210200, vector["raw_body"].encode())
    assert (signature == vector["headers"]["X-SMSto-Signature"]) is vector["valid"]
