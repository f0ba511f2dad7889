"""A real gateway and a provider: what a message becomes, and what is kept of the calls."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from heliograph.core import ids
from tests.carriers.http.link import OPEN, SECRETS
from tests.process.callbacks import run as report_many
from tests.process.provider import OPTED_OUT, Play, Text, report_of, signature
from tests.process.provider_rig import TOKEN, Rig, live, number, section, serving
from tests.process.server import Server


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with serving(tmp_path_factory.mktemp("providers")) as rig:
        yield rig


# -- what is asked for when nothing is reported takes a while: sent first, looked at last


@pytest.fixture(scope="module", autouse=True)
def silent(rig: Rig) -> str:
    """A message that arrived, and of which the provider says so only when it is asked."""
    rig.provider.price = "-0.00750"
    public_id, to = rig.send(Play(reports=()))
    rig.api.until(public_id, "sent")
    rig.provider.arrives(rig.provider.sent_to(to)[0])
    return public_id


# -- a text and its reports


def test_a_message_is_handed_over_reported_and_priced(rig: Rig) -> None:
    public_id, to = rig.send(Play(price="-0.0075"), sender="+15005550006", text="Your code is 482913")
    message = rig.api.until(public_id, "delivered")
    [text] = rig.provider.sent_to(to)
    assert {name: text.form[name] for name in ("To", "From", "Body")} == {
        "To": to,
        "From": "+15005550006",
        "Body": "Your code is 482913",
    }
    assert text.callback == f"{rig.server.url}/in/main/status?ref={text.ref}"
    named = ids.read_reference(text.ref)
    place = ids.parse("msg", public_id)
    assert place is not None and named == (place[1], 1)
    assert (message["price"], message["currency"], message["possible_duplicate"]) == ("0.0075", "USD", False)
    assert [(one["status"], one["carrier_id"]) for one in message["attempts"]] == [("delivered", text.sid)]


REPORTED = {
    "in their order": Play(),
    "each of them three times at once": Play(times=3),
    "in reversed order": Play(reports=("delivered", "sent", "queued")),
    "in reversed order, twice": Play(reports=("delivered", "sent", "queued"), times=2),
    "before the answer": Play(reports_first=True, delay_s=0.1),
    "before the answer, twice": Play(reports_first=True, times=2, delay_s=0.1),
    "before the answer, in reversed order": Play(reports=("delivered", "sent", "queued"), reports_first=True),
    "only the last one": Play(reports=("delivered",)),
}


@pytest.mark.parametrize("how", REPORTED)
def test_reports_make_one_delivery(rig: Rig, how: str) -> None:
    play = REPORTED[how]
    public_id, to = rig.send(play)
    message = rig.api.until(public_id, "delivered", within_s=8)  # after ten seconds it would be asked for
    [text] = rig.provider.until_sent(to)
    reports = len(play.words) * play.times
    rig.provider.until(lambda provider: len([one for one in provider.told if one.sid == text.sid]) == reports)
    assert {one.status for one in rig.provider.told if one.sid == text.sid} == {200}
    rig.sink.until(lambda heard: rig.told(public_id)["message.delivered"] > 0)
    timeline = [kind for kind in rig.timeline(public_id) if kind.startswith("message.")]
    assert timeline == ["message.accepted", "message.queued", "message.sent", "message.delivered"]
    assert rig.told(public_id)["message.delivered"] == 1
    assert [event["type"] for event in rig.stream() if event["data"].get("id") == public_id].count(
        "message.delivered"
    ) == 1
    assert message["error"] is None and not message["possible_duplicate"]
    assert len(rig.provider.sent_to(to)) == 1


def test_a_report_of_which_nothing_is_known_yet_is_taken(rig: Rig) -> None:
    """Another system may send from the same account."""
    form = report_of(rig.provider.account, "SMnever", "delivered", to=number())
    assert rig.provider.post(f"{rig.server.url}/in/main/status", dict(form)).status == 200
    assert len(rig.rows("SELECT 1 FROM parked_receipts WHERE carrier_id = 'SMnever'")) == 1


def test_many_reports_are_all_taken(tmp_path: Path) -> None:
    """A few of the bar; see `tests.process.callbacks`."""
    verdict = report_many(tmp_path, count=1_000, rate=1_000)
    assert verdict.is_whole and verdict.delivered == 500, verdict


# -- calls that are not taken


def waiting(rig: Rig) -> tuple[str, Text]:
    """A message that was sent and not reported."""
    public_id, to = rig.send(Play(reports=()))
    rig.api.until(public_id, "sent")
    return public_id, rig.provider.sent_to(to)[0]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMED_BODY = "bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}
FORGERIES = ("another secret", "no signature", "another form", "another message", "a GET", "a body that is not signed")


def forge(rig: Rig, text: Text, how: str) -> requests.Response:
    """Call as the provider does, but for one thing."""
    form = report_of(rig.provider.account, text.sid, "delivered", to=text.form["To"])
    url, method, body, headers = f"{text.callback}&token=s3cret-token", "POST", urlencode(form), FORM
    sign = signature("guessed" if how == "another secret" else rig.provider.token, url, form)
    if how == "no signature":
        sign = ""
    elif how == "another form":
        body = body.replace(text.sid, f"{text.sid}0")
    elif how == "another message":
        url = url.replace(text.ref, text.ref.replace("-", "-1", 1))
    elif how == "a GET":
        method, url, body = "GET", f"{url}&{body}", ""
    elif how == "a body that is not signed":  # the URL is, and it names another one
        url, headers = f"{url}&{NAMED_BODY}", {"Content-Type": "application/json"}
        sign = signature(rig.provider.token, url, [])
    more = {"X-Twilio-Signature": sign, "Authorization": "Bearer s3cret-bearer", "Cookie": "session=s3cret-cookie"}
    return requests.request(method, url, data=body, headers=headers | more, timeout=10)


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_call_is_refused_changes_nothing_and_is_kept(rig: Rig, how: str) -> None:
    public_id, text = waiting(rig)
    before = rig.rows("SELECT COALESCE(MAX(id), 0) FROM callbacks")[0][0]
    answer = forge(rig, text, how)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_callback")
    [row] = rig.rows("SELECT connector, outcome, reason, address, request FROM callbacks WHERE id > ?", before)
    assert row[:2] == ("main", "refused") and row[2] and row[3] == "127.0.0.1"
    kept = json.loads(row[4])
    assert (kept["method"], kept["path"]) == ("GET" if how == "a GET" else "POST", "/in/main/status")
    assert "s3cret" not in row[4] and rig.provider.token not in row[4]
    if kept["method"] == "POST":
        assert text.sid in kept["body"]
    message = rig.message(public_id)
    assert (message["status"], [one["status"] for one in message["attempts"]]) == ("sent", ["accepted"])
    assert forge(rig, text, "nothing").status_code == 200
    rig.api.until(public_id, "delivered")


def test_a_report_that_is_signed_with_another_secret_is_refused_by_its_signature_alone(rig: Rig) -> None:
    public_id, to = rig.send(Play(secret="another"))
    rig.api.until(public_id, "sent")
    [text] = rig.provider.sent_to(to)
    rig.provider.until(lambda provider: len([one for one in provider.told if one.sid == text.sid]) == 3)
    assert {one.status for one in rig.provider.told if one.sid == text.sid} == {403}
    assert rig.message(public_id)["status"] == "sent"


def test_a_flood_of_forged_calls_does_not_fill_the_disk(rig: Rig) -> None:
    if time.time() % 60 > 50:
        time.sleep(11)  # so many may be kept each minute: stay in one
    with requests.Session() as session:
        for _ in range(100):
            answer = session.post(f"{rig.server.url}/in/flooded/status", data={"x": "y" * 10_000}, timeout=10)
            assert answer.status_code == 403
    rows = rig.rows("SELECT request FROM callbacks WHERE connector = 'flooded'")
    assert len(rows) == 60
    assert max(len(request) for (request,) in rows) < 6_000


@pytest.mark.parametrize(
    "path",
    [
        *("/in/nobody/status", "/in/nobody/inbound", "/in/sandbox/status", "/in/main", "/in/main/other"),
        *("/in//status", "/in/main/status/", "/in/main/status/more", "/in/../in/nobody/status"),
    ],
)
def test_nobody_is_called_where_nobody_is(rig: Rig, path: str) -> None:
    answer = requests.post(f"{rig.server.url}{path}", data={"MessageSid": "SM1"}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/in/main/status", "/in/main/inbound"])
def test_providers_call_by_get_and_post_only(rig: Rig, method: str, path: str) -> None:
    answer = requests.request(method, f"{rig.server.url}{path}", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(("length", "status"), [(1_000_000, 403), (1_000_001, 413), (5_000_000, 413)])
def test_a_call_has_its_limits(rig: Rig, length: int, status: int) -> None:
    answer = requests.post(f"{rig.server.url}/in/main/status", data=b"x" * length, headers=FORM, timeout=30)
    assert answer.status_code == status
    assert status == 403 or answer.json()["code"] == "body_too_large"


UNREAD: dict[str, dict[str, str]] = {
    "nothing of it is known": {"EventType": "onMessageRemoved", "Index": "7"},
    "no id": {"MessageStatus": "delivered"},
    "a word that we don't know": {"MessageSid": "SM1", "MessageStatus": "teleported"},
    "a message from nobody": {"MessageSid": "SM1", "SmsStatus": "received", "Body": "Hello"},
}


@pytest.mark.parametrize("what", UNREAD)
def test_what_is_not_understood_is_thanked_for_and_kept(rig: Rig, what: str) -> None:
    before = rig.rows("SELECT COALESCE(MAX(id), 0) FROM callbacks")[0][0]
    told = rig.provider.post(f"{rig.server.url}/in/main/status?ref=x", UNREAD[what])
    assert told.status in (200, 204)
    [row] = rig.rows("SELECT connector, outcome, request FROM callbacks WHERE id > ?", before)
    assert row[:2] == ("main", "unread")
    assert json.loads(row[2])["body"] == urlencode(UNREAD[what])


def test_a_get_that_is_not_understood_is_kept_with_what_it_says(rig: Rig) -> None:
    said = {"messageId": "0A1", "status": "teleported"}
    answer = requests.get(f"{rig.server.url}/in/vonage/status", {"token": TOKEN, **said}, timeout=10)
    assert answer.status_code == 200
    [(kept,)] = rig.rows("SELECT request FROM callbacks WHERE connector = 'vonage' ORDER BY id DESC LIMIT 1")
    assert TOKEN not in kept
    assert "teleported" in kept


def test_the_token_in_a_url_stays_out_of_the_ledger(rig: Rig) -> None:
    query = {"token": TOKEN, "messageId": "0A2", "status": "delivered", "to": "Acme", "msisdn": "447400123456"}
    answer = requests.get(f"{rig.server.url}/in/vonage/status", query, timeout=10)
    assert answer.status_code == 200
    [(kept,)] = rig.rows("SELECT receipt FROM parked_receipts WHERE carrier_id = '0A2'")
    assert TOKEN not in kept


# -- messages from phones


def inbound(rig: Rig, sid: str, sender: str, text: str) -> dict[str, str]:
    said = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": rig.provider.account}
    return said | {"SmsStatus": "received", "From": sender, "To": "+15005550006", "Body": text, "NumSegments": "1"}


def test_a_message_from_a_phone_is_told_once_and_answered_with_nothing(rig: Rig) -> None:
    sender = number()
    form = inbound(rig, "SMin1", sender, "STOP, bitte ü 😀 & mehr")
    answers = [rig.provider.post(f"{rig.server.url}/in/main/inbound", form) for _ in range(3)]
    assert {(one.status, one.body) for one in answers} == {(200, b"<Response></Response>")}
    heard = rig.sink.until(lambda heard: any(one.event["type"] == "inbound.received" for one in heard))
    [event] = {one.event["id"]: one.event for one in heard if one.event["type"] == "inbound.received"}.values()
    facts = {name: event["data"][name] for name in ("from", "to", "text", "connector")}
    assert facts == {
        "from": sender,
        "to": "+15005550006",
        "text": "STOP, bitte ü 😀 & mehr",
        "connector": "main",
    }
    assert [one["id"] for one in rig.stream() if one["type"] == "inbound.received"] == [event["id"]]


def test_a_forged_message_from_a_phone_reaches_nobody(rig: Rig) -> None:
    form = inbound(rig, "SMin2", number(), "Transfer everything")
    answer = requests.post(f"{rig.server.url}/in/main/inbound", form, headers={"X-Twilio-Signature": "x"}, timeout=10)
    assert answer.status_code == 403
    assert not rig.rows("SELECT 1 FROM inbound WHERE carrier_id = 'SMin2'")


# -- people who said no to the provider


def opted_out(rig: Rig, to: str) -> list[str]:
    """What was recorded of a number."""
    found: dict[str, Any] = rig.api("GET", f"/v1/consents?to={to}").json()
    return [f"{one['action']} by {one['source']}" for one in found["data"]]


def until_suppressed(rig: Rig, to: str) -> None:
    end = time.monotonic() + 10
    while to not in [one["to"] for one in rig.api("GET", "/v1/suppressions?limit=1000").json()["data"]]:
        assert time.monotonic() < end, f"{to} is not on the suppression list"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("play", "status"),
    [
        (Play(status=400, code=OPTED_OUT), "failed"),
        (Play(reports=("sent", "undelivered"), error=OPTED_OUT), "undelivered"),
    ],
    ids=["answered", "reported"],
)
def test_who_said_no_to_the_provider_has_said_no_to_us(rig: Rig, play: Play, status: str) -> None:
    public_id, to = rig.send(play)
    message = rig.api.until(public_id, status)
    assert message["error"] == {"failure": "opted_out", "code": "opted_out_at_carrier", "carrier_code": str(OPTED_OUT)}
    until_suppressed(rig, to)
    assert opted_out(rig, to) == ["opt_out by carrier"]
    rig.sink.until(
        lambda heard: any(
            one.event["type"] == "contact.opted_out" and one.event["data"]["number"] == to for one in heard
        )
    )
    answer = rig.api("POST", "/v1/messages", {"to": to, "text": "Hello again"})
    assert (answer.status_code, answer.json()["code"]) == (422, "opted_out")
    assert len(rig.provider.sent_to(to)) == 1


def test_what_waits_is_rejected_when_its_recipient_says_no(rig: Rig) -> None:
    public_id, to = rig.send(Play(delay_s=0.5, status=400, code=OPTED_OUT))
    rig.provider.until_sent(to)
    later = rig.api.send(to, send_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2)))["id"]
    rig.api.until(public_id, "failed")
    until_suppressed(rig, to)
    assert rig.api.until(later, "rejected")["attempts"] == []
    assert len(rig.provider.sent_to(to)) == 1


def test_a_no_that_is_reported_twice_is_recorded_once(rig: Rig) -> None:
    public_id, to = rig.send(Play(reports=("undelivered",), error=OPTED_OUT, times=3))
    rig.api.until(public_id, "undelivered")
    until_suppressed(rig, to)
    time.sleep(0.3)
    assert opted_out(rig, to) == ["opt_out by carrier"]


def test_a_no_to_many_messages_is_recorded_once(rig: Rig) -> None:
    """They were under way together, and are refused one after the other."""
    to = number()
    rig.provider.plays(to, *(Play(status=400, code=OPTED_OUT, delay_s=0.3 + 0.002 * turn) for turn in range(8)))
    sent = rig.api("POST", "/v1/messages/batch", {"messages": [{"to": to, "text": "Hello"}] * 8}).json()["data"]
    for one in sent:
        rig.api.until(one["id"], "failed")
    until_suppressed(rig, to)
    time.sleep(0.3)
    assert opted_out(rig, to) == ["opt_out by carrier"]


def test_an_old_no_that_is_reported_again_does_not_undo_a_new_yes(rig: Rig) -> None:
    public_id, to = rig.send(Play(reports=("undelivered",), error=OPTED_OUT))
    rig.api.until(public_id, "undelivered")
    until_suppressed(rig, to)
    assert rig.api("POST", "/v1/consents", {"to": to, "action": "opt_in"}).status_code == 201
    rig.provider.report(rig.provider.sent_to(to)[0], "undelivered", error=OPTED_OUT)
    time.sleep(0.3)
    assert opted_out(rig, to) == ["opt_out by carrier", "opt_in by api"]


# -- secrets


def test_no_secret_of_a_connector_is_shown_or_kept_in_the_clear(tmp_path: Path) -> None:
    connectors = [
        section(kind, {"kind": kind, "callback_token": TOKEN, **OPEN[kind], **SECRETS[kind]}) for kind in OPEN
    ]
    server = Server(tmp_path)
    server.configure("\n".join(['public_url = "https://sms.example.test"', *connectors]))
    with server:
        api = live(server)
        shown = api("GET", "/v1/declared").text
        assert all(f'"{kind}"' in shown for kind in OPEN)
        kept = b"".join(path.read_bytes() for path in server.data_dir.iterdir() if path.is_file()).decode("latin-1")
        secrets = {f"{kind}.{name}": value for kind in OPEN for name, value in SECRETS[kind].items()}
        secrets["callback_token"] = TOKEN
        places = {"shown": shown, "kept": kept, "logged": server.log()}
        assert [(name, place) for name, value in secrets.items() for place in places if value in places[place]] == []


# -- and last: what the provider only says when it is asked


def test_a_message_without_a_report_is_asked_for_and_priced(rig: Rig, silent: str) -> None:
    message = rig.api.until(silent, "delivered", within_s=25)
    assert (message["price"], message["currency"]) == ("0.00750", "USD")
    assert rig.timeline(silent).count("message.delivered") == 1
