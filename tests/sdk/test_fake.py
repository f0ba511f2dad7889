"""The fake behaves like a gateway with the sandbox: each test runs against both."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.carriers.sandbox.fates import ENDINGS, FATES, FICTION
from heliograph.core import segments
from heliograph.core.numbers import Number, parse
from heliograph.sdk import errors
from heliograph.sdk.testing import FakeHeliograph, fates, texts
from tests.sdk.conftest import Side

Fresh = Callable[[], str]
ACCEPTED = ("queued", 1, "gsm7", "GB", "transactional")
# What ends within a second; all others are tried again for longer than a test waits.
QUICK = [
    *("delivered", "undelivered", "expired", "blocked", "bad_number", "content", "opted_out", "slow"),
    *("duplicate_receipts", "receipt_before_answer", "reordered", "fake_receipt", "partly_delivered"),
]
LATER = datetime.now(UTC) + timedelta(days=1)


def refusal(call: Callable[[], Any]) -> tuple[str, int, tuple[str, ...]]:
    with pytest.raises(errors.Refused) as caught:
        call()
    return caught.value.code, caught.value.status, caught.value.pointers


@pytest.mark.parametrize("fate", QUICK)
@pytest.mark.parametrize("text", ["Hello", "Hello " * 40])
def test_a_message_meets_its_fate(side: Side, fresh: Fresh, fate: str, text: str) -> None:
    accepted = side.client.messages.send(fresh(), f"{text} [sandbox:{fate}]")
    found = side.settled(accepted.id)
    quick = FakeHeliograph()
    wanted = quick.messages.send("+447911123456", f"{text} [sandbox:{fate}]")
    quick.gateway.settle()
    shown = quick.messages.get(wanted.id)
    assert (found.status, found.error, found.segments) == (shown.status, shown.error, shown.segments)


def test_the_fates_are_those_of_the_sandbox() -> None:
    assert {"delivered", *fates.FATES} == set(FATES)
    assert {ending: fates.steps_of(f"+4477009001{ending}", "")[0] for ending in ENDINGS} == ENDINGS
    assert fates._FICTION == FICTION


def test_an_accepted_message_is_described(side: Side, fresh: Fresh) -> None:
    to = fresh()
    made = side.client.messages.send(to, "Hello", tags=["a"], metadata={"order": "7"}, correlation_id="c-1")
    assert (made.status, made.segments, made.encoding, made.country, made.kind) == ACCEPTED and made.to == to
    found = side.settled(made.id)
    assert (found.text, found.tags, found.metadata, found.correlation_id) == ("Hello", ["a"], {"order": "7"}, "c-1")
    assert found.sent_at is not None and found.final_at is not None and found.error is None
    assert [one.id for one in side.client.messages.list(to=to).data] == [made.id]


def test_its_timeline_is_told_in_order(side: Side, fresh: Fresh) -> None:
    made = side.client.messages.send(fresh(), "Hello")
    side.settled(made.id)
    events = side.client.messages.events(made.id).data
    told = [event.type for event in events]
    assert all(event.says.endswith(".") for event in events)
    assert told == [f"message.{state}" for state in ("accepted", "queued", "sent", "delivered")]
    assert {event.data["id"] for event in side.client.messages.events(made.id).data} == {made.id}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"to": ""}, ("empty", 422, ("/to",))),
        ({"to": "hello"}, ("letters", 422, ("/to",))),
        ({"to": "+44"}, ("too_short", 422, ("/to",))),
        ({"to": "07911123456"}, ("not_international", 422, ("/to",))),
        ({"text": None}, ("missing_field", 422, ("/text",))),
        ({"text": ""}, ("empty_text", 422, ("/text",))),
        ({"kind": "odd"}, ("unknown_kind", 422, ("/kind",))),
        ({"text": "x" * 200, "max_segments": 1}, ("over_budget", 422, ("/text",))),
        ({"send_at": "tomorrow"}, ("bad_time", 422, ("/send_at",))),
    ],
)
def test_a_wrong_message_is_refused(side: Side, fields: dict[str, Any], wanted: Any) -> None:
    whole: dict[str, Any] = {"to": "+447911123456", "text": "Hello", **fields}
    assert refusal(lambda: side.client.messages.send(**whole)) == wanted


@pytest.mark.parametrize("noun", ["messages", "batches", "verifications", "contacts", "inbound"])
def test_what_is_not_there_is_not_found(side: Side, noun: str) -> None:
    assert refusal(lambda: getattr(side.client, noun).get("nothing")) == ("not_found", 404, ())


def test_what_waits_can_be_taken_back_and_the_rest_can_not(side: Side, fresh: Fresh) -> None:
    made = side.client.messages.send(fresh(), "Hello", send_at=LATER)
    assert made.status == "scheduled"
    assert side.client.messages.cancel(made.id).status == "canceled"
    assert refusal(lambda: side.client.messages.cancel(made.id)) == ("too_late", 409, ())
    done = side.client.messages.send(fresh(), "Hello")
    side.settled(done.id)
    assert refusal(lambda: side.client.messages.cancel(done.id)) == ("too_late", 409, ())


def test_the_same_key_sends_once(side: Side, fresh: Fresh) -> None:
    to = fresh()
    first, second = (side.client.messages.send(to, "Hello", idempotency_key=f"order-{to}") for _ in range(2))
    assert first.id == second.id
    conflict = refusal(lambda: side.client.messages.send(to, "Else", idempotency_key=f"order-{to}"))
    assert conflict == ("idempotency_conflict", 409, ())


def test_a_rehearsal_sends_nothing(side: Side, fresh: Fresh) -> None:
    to = fresh()
    found = side.client.messages.rehearse(to, "Hello")
    assert (found.dry_run, found.to, found.segments, found.country) == (True, to, 1, "GB")
    assert list(side.client.messages.iterate(to=to)) == []


def test_a_batch_tells_of_each(side: Side, fresh: Fresh) -> None:
    good, bad = {"to": fresh()}, {"to": "nobody"}
    batch = side.client.messages.send_batch([good, bad], defaults={"text": "Hello"})  # type: ignore[list-item]
    assert [(one.status, one.code, one.pointer) for one in batch.data] == [
        ("queued", None, None),
        ("refused", "letters", "/to"),
    ]
    assert batch.data[0].id is not None
    side.settled(batch.data[0].id)
    progress = side.client.batches.get(batch.batch_id)
    assert (progress.total, progress.states, progress.is_done) == (1, {"delivered": 1}, True)
    assert side.client.batches.cancel(batch.batch_id).too_late == 1


@pytest.mark.parametrize(
    ("messages", "all_or_none", "wanted"),
    [
        ([], False, ("empty_batch", 422, ("/messages",))),
        (["nobody"], False, ("letters", 422, ("/messages/0/to",))),
        (["nobody", ""], False, ("invalid_request", 422, ("/messages/0/to", "/messages/1/to"))),
        (["+447911123456", "nobody"], True, ("letters", 422, ("/messages/1/to",))),
    ],
)
def test_a_wrong_batch_is_refused(side: Side, messages: list[str], all_or_none: bool, wanted: Any) -> None:
    batch: Any = [{"to": to, "text": "Hello"} for to in messages]
    assert refusal(lambda: side.client.messages.send_batch(batch, all_or_none=all_or_none)) == wanted


def test_who_opted_out_gets_nothing_until_they_opt_in(side: Side, fresh: Fresh) -> None:
    to = fresh()
    assert side.client.consents.record(to, "opt_out").may_send["otp"] == "opted_out"
    assert refusal(lambda: side.client.messages.send(to, "Hello")) == ("opted_out", 422, ("/to",))
    assert to in {one.to for one in side.client.suppressions.iterate()}
    assert side.client.consents.record(to, "opt_in").may_send["otp"] == "yes"
    assert side.client.messages.send(to, "Hello").status == "queued"
    assert [one.action for one in side.client.consents.get(to).data] == ["opt_out", "opt_in"]


def test_a_phone_that_says_stop_is_left_alone(side: Side, fresh: Fresh) -> None:
    to = fresh()
    side.settled(side.client.messages.send(to, "Hello [sandbox:reply:STOP]", sender="Acme").id)
    assert [(one.from_, one.to, one.text) for one in side.heard(to)] == [(to, "Acme", "STOP")]
    assert refusal(lambda: side.client.messages.send(to, "Hello"))[0] == "opted_out"


def test_a_carrier_that_knows_of_an_opt_out_is_believed(side: Side, fresh: Fresh) -> None:
    to = fresh()
    side.settled(side.client.messages.send(to, "Hello [sandbox:opted_out]").id)
    assert refusal(lambda: side.client.messages.send(to, "Hello"))[0] == "opted_out"


def test_a_code_is_approved_once(side: Side, fresh: Fresh) -> None:
    to = fresh()
    started = side.client.verifications.start(to)
    assert (started.status, started.to, started.sends_left, started.checks_left) == ("pending", to, 4, 5)
    assert started.test_code is not None
    wrong = "000000" if started.test_code != "000000" else "111111"
    codes = (wrong, started.test_code, started.test_code)
    assert [side.client.verifications.check(started.id, code).is_approved for code in codes] == [False, True, False]
    assert side.client.verifications.get(started.id).status == "approved"
    ended = ("verification_ended", 409, ())
    assert refusal(lambda: side.client.verifications.cancel(started.id)) == ended
    assert refusal(lambda: side.client.verifications.resend(started.id)) == ended


def test_guessing_ends(side: Side, fresh: Fresh) -> None:
    started = side.client.verifications.start(fresh(), code="123456")
    assert not any(side.client.verifications.check(started.id, "654321").is_approved for _ in range(5))
    assert not side.client.verifications.check(started.id, "123456").is_approved
    assert side.client.verifications.get(started.id).status == "failed"


def test_another_code_at_once_is_too_soon_and_that_is_told_at_once(side: Side, fresh: Fresh) -> None:
    started = side.client.verifications.start(fresh())
    assert refusal(lambda: side.client.verifications.resend(started.id)) == ("resend_too_soon", 429, ())
    assert side.client.verifications.cancel(started.id).status == "canceled"


def test_contacts_are_kept_found_and_changed(side: Side, fresh: Fresh) -> None:
    to = fresh()
    made = side.client.contacts.create(name="Ada", external_id=to, addresses=[to], attributes={"plan": "pro"})
    assert (made.name, made.addresses[0].address, made.attributes) == ("Ada", to, {"plan": "pro"})
    assert side.client.contacts.change(made.id, name=None, locale="pt-BR").locale == "pt-BR"
    assert side.client.contacts.get(made.id).name is None
    assert [one.id for one in side.client.contacts.iterate(external_id=to)] == [made.id]
    double = refusal(lambda: side.client.contacts.create(external_id=to))
    assert double == ("already_exists", 409, ("/external_id",))
    assert refusal(lambda: side.client.contacts.create(addresses=["zz"])) == ("letters", 422, ("/addresses/0",))


def test_lists_are_read_page_by_page(side: Side, fresh: Fresh) -> None:
    to = fresh()
    ids = [side.client.messages.send(to, f"Number {number}").id for number in range(5)]
    assert [one.id for one in side.client.messages.iterate(to=to, limit=2)] == ids[::-1]
    page = side.client.messages.list(to=to, limit=2)
    assert len(page.data) == 2 and page.next_cursor is not None


def test_all_events_are_read_from_where_one_stopped(side: Side, fresh: Fresh) -> None:
    made = side.client.messages.send(fresh(), "Hello")
    side.settled(made.id)
    cursor, told = "", []
    while page := side.client.events.read(cursor):
        told += [event.type for event in page.data if event.data.get("id") == made.id]
        if not page.data or page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert told == [f"message.{state}" for state in ("accepted", "queued", "sent", "delivered")]


# -- what only the fake can


def test_what_the_fake_does_not_know_it_says() -> None:
    with pytest.raises(errors.ServerBroken, match="not_faked"):
        FakeHeliograph().campaigns.list()


def test_each_look_is_a_step() -> None:
    client = FakeHeliograph()
    made = client.messages.send("+447911123456", "Hello")
    assert [client.messages.get(made.id).status for _ in range(4)] == ["queued", "sent", "delivered", "delivered"]


def test_time_passes_when_a_test_says_so() -> None:
    client = FakeHeliograph()
    made = client.messages.send("+447911123456", "Hello", send_at=LATER)
    stuck = client.messages.send("+447911123456", "Hello [sandbox:always_transient]", valid_for="5m")
    code = client.verifications.start("+447911123456")
    client.gateway.settle()
    assert client.messages.get(made.id).status == "scheduled" and client.messages.get(stuck.id).status == "queued"
    client.gateway.pass_time(86_400 + 3_600)
    client.gateway.settle()
    assert client.messages.get(made.id).status == "delivered" and client.messages.get(stuck.id).status == "expired"
    assert client.verifications.get(code.id).status == "expired"


def test_bad_days_can_be_had() -> None:
    client = FakeHeliograph()
    client.gateway.lose_next()
    client.gateway.refuse_next("ledger_unavailable", 503)
    client.messages.send("+447911123456", "Hello")
    assert len(client.gateway.sent) == 1
    client.gateway.refuse_next("missing_scope", 403)
    with pytest.raises(errors.NotAllowed):
        client.messages.list()


TEXTS = st.text(alphabet=st.sampled_from("aé€[{ñ\n😀漢ç"), max_size=400)


@given(TEXTS)
def test_parts_are_counted_as_the_gateway_does(text: str) -> None:
    found = segments.split(text)
    assert texts.size(text) == (found.encoding, max(1, len(found.segments)))


@given(st.from_regex(re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII), fullmatch=True))
def test_a_country_is_that_of_the_calling_code(number: str) -> None:
    found = parse(number)
    if isinstance(found, Number) and found.valid and not number.startswith(("+1", "+7", "+44", "+39", "+358", "+47")):
        assert texts.country(number) in (found.country, "GP", "RE", "SH", "MA", "AU", "CW", "ZZ")
