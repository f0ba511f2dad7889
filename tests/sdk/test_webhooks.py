"""Webhooks are believed when they are genuine and fresh, and never else."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from heliograph.core.signing import Signer, secret_from
from heliograph.sdk import webhooks
from heliograph.sdk.errors import WebhookRefused

NOW = 1_795_000_000
OLD, NEW, OTHER = (secret_from(bytes([number]) * 32) for number in (1, 2, 3))
BODY = b'{"id":"evt_1","type":"message.delivered","created_at":"2026-11-20T09:30:00.000Z","data":{"status":"x"}}'


def headers(secrets: Sequence[str], body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    """As the gateway signs."""
    signature = Signer(secrets).sign("evt_1", at, body).decode()
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(at), "Webhook-Signature": signature}


def reason(*args: Any, **named: Any) -> str | None:
    try:
        webhooks.check(*args, now=NOW, **named)
    except WebhookRefused as refused:
        return refused.reason
    return None


def test_a_genuine_one_is_read() -> None:
    event = webhooks.verify(headers([NEW]), BODY.decode(), NEW, now=NOW)
    assert (event.id, event.type, event.data) == ("evt_1", "message.delivered", {"status": "x"})


@pytest.mark.parametrize(
    ("signed_with", "known", "why"),
    [
        ([NEW, OLD], OLD, None),
        ([NEW, OLD], NEW, None),
        ([OLD], [NEW, OLD], None),
        ([NEW, OLD], OTHER, "no_match"),
        ([NEW], [], "no_match"),
    ],
)
def test_one_fitting_signature_is_enough(signed_with: list[str], known: Any, why: str | None) -> None:
    assert reason(headers(signed_with), BODY, known) == why


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Webhook-Signature": ""}, "missing_header"),
        ({"Webhook-Id": "evt_2"}, "no_match"),
        ({"Webhook-Timestamp": str(NOW + 1)}, "no_match"),
        ({"Webhook-Timestamp": "²"}, "bad_timestamp"),
        ({"Webhook-Timestamp": "-1"}, "bad_timestamp"),
        ({"Webhook-Signature": "v2,AAAA"}, "no_match"),
        ({"Webhook-Signature": "v1,ünlesbar"}, "no_match"),
    ],
)
def test_whatever_was_changed_is_found(changed: dict[str, str], why: str) -> None:
    assert reason(headers([NEW]) | changed, BODY, NEW) == why


@given(st.binary())
def test_another_body_never_fits(body: bytes) -> None:
    assert reason(headers([NEW]), body, NEW) == (None if body == BODY else "no_match")


@pytest.mark.parametrize(("at", "why"), [(NOW - 300, None), (NOW - 301, "too_old"), (NOW + 301, "too_new")])
def test_a_stale_one_is_refused(at: int, why: str | None) -> None:
    assert reason(headers([NEW], at=at), BODY, NEW) == why
    assert reason(headers([NEW], at=at), BODY, NEW, tolerance_s=400) is None


def test_several_events_in_one_are_read_where_they_are_wanted() -> None:
    several = b'{"events":[%b,%b]}' % (BODY, BODY)
    assert len(webhooks.verify_several(headers([NEW], several), several, NEW, now=NOW)) == 2
    assert len(webhooks.verify_several(headers([NEW]), BODY, NEW, now=NOW)) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_genuine_and_no_event_is_refused_too(body: bytes) -> None:
    for read in (webhooks.verify, webhooks.verify_several):
        with pytest.raises(WebhookRefused, match="no_event"):
            read(headers([NEW], body), body, NEW, now=NOW)


def test_what_it_signs_for_tests_others_believe() -> None:
    made = webhooks.sign("evt_1", int(time.time()), BODY, NEW)
    assert Webhook(NEW).verify(BODY, made)["id"] == "evt_1"
    assert webhooks.verify(made, BODY, NEW).id == "evt_1"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "AAAA"])
def test_a_wrong_secret_is_told_without_being_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="it was shown when the endpoint was made"):
        webhooks.key_of(secret)
