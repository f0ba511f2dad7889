"""A real gateway and a provider that fails in every way: what a message becomes, and what is kept of the calls."""

import json
import resource
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import requests

from heliograph.core import ids
from tests.carriers.http.test_carrier import OPEN, SECRETS
from tests.process.callbacks import run as report_many
from tests.process.provider import OPTED_OUT, REPORTS, Play, Provider, Text, report_of, signature
from tests.process.server import Api, Server, free_port
from tests.process.sink import Sink

CONFIG = """public_url = "{url}"
[webhooks]
allow_networks = ["127.0.0.0/8"]
{connectors}
[[routes]]
name = "germany"
via = ["locked", "main"]
match = {{ country = ["DE"] }}
[[routes]]
name = "france"
via = ["gone", "main"]
match = {{ country = ["FR"] }}
[[routes]]
name = "all"
via = ["main"]
[endpoints.hook]
url = "{hook}"
environment = "live"
"""
TOKEN = "t0ken-in-the-url"
VONAGE = {"kind": "vonage", "api_key": "abcd", "api_secret": "env:HG_SECRET", "callback_token": "env:HG_TOKEN"}
RESEND_S = 3.0  # what may go again has gone by then: a first pause takes 2 s, more or less
_numbers = count()


def number(prefix: str = "+4474001") -> str:
    """One that no other test uses; no number of fiction, for those never reach a carrier."""
    return f"{prefix}{23_000 + next(_numbers)}"


class Rig(NamedTuple):
    """A gateway, its provider, who listens to it, and its API."""

    server: Server
    provider: Provider
    sink: Sink
    api: Api

    def message(self, public_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/v1/messages/{public_id}").json()
        return found

    def timeline(self, public_id: str) -> list[str]:
        return [event["type"] for event in self.api("GET", f"/v1/messages/{public_id}/events").json()["data"]]

    def stream(self) -> list[dict[str, Any]]:
        """All events that were told."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.api("GET", f"/v1/events?limit=1000&cursor={cursor}").json()
            if not page["data"]:
                return found
            found += page["data"]
            cursor = page["next_cursor"]

    def told(self, public_id: str) -> Counter[str]:
        """What the endpoint heard of a message, each event once."""
        heard = {one.event["id"]: one.event for one in self.sink.heard}
        return Counter(event["type"] for event in heard.values() if event["data"].get("id") == public_id)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        ledger = sqlite3.connect(f"file:{self.server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
        try:
            return ledger.execute(sql, values).fetchall()
        finally:
            ledger.close()

    def send(self, *plays: Play, to: str | None = None, **more: Any) -> tuple[str, str]:
        """A message, and the number that it goes to."""
        to = to or number()
        self.provider.plays(to, *plays)
        return self.api.send(to, **more)["id"], to


def until_unknown(api: Api, public_id: str) -> None:
    """Until the outcome of the first attempt is given up."""
    end = time.monotonic() + 10
    while True:
        found = api("GET", f"/v1/messages/{public_id}").json()
        if [one["status"] for one in found["attempts"]] == ["unknown"]:
            return
        assert time.monotonic() < end, found
        time.sleep(0.02)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("providers")
    with Provider() as provider, Sink() as sink:
        server = Server(folder, environ={"HG_TOKEN": TOKEN, "HG_SECRET": "v0nage-s3cret"})
        connectors = (
            provider.connector("main", timeout_ms=1_000),
            provider.connector("locked", auth_token="another"),
            provider.connector("gone", base_url=f"http://127.0.0.1:{free_port()}"),
            provider.connector("flooded"),
            section("vonage", VONAGE),
        )
        server.configure(CONFIG.format(url=server.url, connectors="\n".join(connectors), hook=sink.url))
        with server:
            api = Api(server, server.key("admin", environment="live"))
            assert api.policy("quiet_hours", kinds=[]).status_code == 200  # promotions at any time of the day
            assert api.policy("consent", promotional="no_opt_out").status_code == 200
            yield Rig(server, provider, sink, api)


def section(name: str, settings: Mapping[str, Any]) -> str:
    """A connector as the file declares it."""
    lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
    return "\n".join([f"[connectors.{name}]", *lines, ""])


def _toml(value: Any) -> str:
    """But for tables, TOML writes what stands in settings as JSON does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


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


# -- failures


class End(NamedTuple):
    """What a failure comes to."""

    plays: tuple[Play, ...]
    status: str
    attempts: list[tuple[int, str, str | None, str | None, str | None]]  # number, status, failure, code, carrier's code
    texts: int = 1
    flagged: bool = False
    prefix: str = "+4474001"


GOOD = (2, "delivered", None, None, None)
FAILURES: dict[str, End] = {
    "it hangs up when it has read the request": End(
        (Play(resets=True),), "delivered", [(1, "unknown", "unknown", "link_lost", None), GOOD], 2, True
    ),
    "it answers too late": End(
        (Play(delay_s=1.5, reports=()),),
        "delivered",
        [(1, "unknown", "unknown", "answer_timeout", None), GOOD],
        2,
        True,
    ),
    "it breaks": End(
        (Play(status=500),), "delivered", [(1, "unknown", "unknown", "unclear_answer", "500"), GOOD], 2, True
    ),
    "it breaks, with a code": End(
        (Play(status=500, code=20500),),
        "delivered",
        [(1, "unknown", "unknown", "unclear_answer", "500"), GOOD],
        2,
        True,
    ),
    "it breaks twice": End(
        (Play(resets=True), Play(status=502)),
        "delivered",
        [
            (1, "unknown", "unknown", "link_lost", None),
            (2, "unknown", "unknown", "unclear_answer", "502"),
            (3, "delivered", None, None, None),
        ],
        3,
        True,
    ),
    "it is asked too fast": End(
        (Play(status=429, code=20429, retry_after=1),), "delivered", [(1, "delivered", None, None, None)], 2
    ),
    "it knows no such number": End(
        (Play(status=400, code=21211),), "failed", [(1, "refused", "permanent", "invalid_number", "21211")]
    ),
    "it finds the text too long": End(
        (Play(status=400, code=21617),), "failed", [(1, "refused", "content", "content_refused", "21617")]
    ),
    "the phone is off": End(
        (Play(reports=("sent", "undelivered"), error=30003),),
        "undelivered",
        [(1, "undelivered", "unreachable", "unreachable", "30003")],
    ),
    "the network filters": End(
        (Play(reports=("sent", "failed"), error=30007),),
        "failed",
        [(1, "refused", "content", "content_refused", "30007")],
    ),
    "its queue is too long": End(
        (Play(reports=("failed",), error=30036),), "expired", [(1, "expired", "unreachable", "unreachable", "30036")]
    ),
    "our credentials are refused": End(
        (),
        "delivered",
        [(1, "refused", "unauthorised", "carrier_unauthorised", "20003"), GOOD],
        prefix="+4915112",
    ),
    "nobody is there": End(
        (),
        "delivered",
        [(1, "refused", "transient", "carrier_unreachable", "connect_failed"), GOOD],
        prefix="+336123",
    ),
}


@pytest.fixture(scope="module")
def failed(rig: Rig) -> dict[str, tuple[str, str]]:
    """One message for each, all at once: most of them wait for a second try."""
    return {name: rig.send(*end.plays, to=number(end.prefix)) for name, end in FAILURES.items()}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_ends_as_it_should(rig: Rig, failed: dict[str, tuple[str, str]], name: str) -> None:
    end, (public_id, to) = FAILURES[name], failed[name]
    message = rig.api.until(public_id, end.status, within_s=25)
    fields = ("attempt", "status", "failure", "code", "carrier_code")
    assert [tuple(one[field] for field in fields) for one in message["attempts"]] == end.attempts
    assert message["possible_duplicate"] is end.flagged
    _, _, *why = end.attempts[-1]
    assert message["error"] == (dict(zip(fields[2:], why, strict=True)) if why[0] else None)
    texts = rig.provider.sent_to(to)
    assert len(texts) == end.texts
    if end.flagged:
        assert texts[0].ref == texts[1].ref, "what may have been taken goes again under its own name"
    if name == "it is asked too fast":
        assert texts[1].at - texts[0].at >= 1.0, "it asked for a pause"
    assert rig.told(public_id)[f"message.{end.status}"] <= 1


def test_a_number_that_does_not_exist_is_left_alone_until_somebody_says_otherwise(rig: Rig) -> None:
    public_id, to = rig.send(Play(status=400, code=21211))
    assert rig.api.until(public_id, "failed")["error"]["code"] == "invalid_number"
    shown = _left_alone(rig, to)
    assert (shown["failures"], shown["carrier_code"], shown["connector"]) == (1, "21211", "main")

    def ask(**more: Any) -> Any:
        return rig.api("POST", "/v1/messages", {"to": to, "text": "Again", **more})

    refused = ask()
    assert (refused.status_code, refused.json()["code"]) == (422, "number_cooling_down")
    assert shown["until"] in refused.json()["detail"] and refused.json()["errors"][0]["pointer"] == "/to"
    some = {"messages": [{"to": to, "text": "One"}, {"to": number(), "text": "Two"}]}
    outcomes = rig.api("POST", "/v1/messages/batch", some).json()["data"]
    assert [one.get("code") for one in outcomes] == ["number_cooling_down", None]
    form = rig.api.session.post(f"{rig.server.url}/sms/send", json={"to": to, "message": "Again"})
    assert (form.status_code, form.json()["code"]) == (422, "number_cooling_down")

    rig.provider.plays(to, Play())  # a code goes: who typed a wrong number types it again
    code = ask(kind="otp")
    assert code.status_code == 202
    rig.api.until(code.json()["id"], "delivered")
    assert _left_alone(rig, to, wanted=False) == {}  # it exists: it took a message
    assert ask().status_code == 202


def test_a_cooldown_is_lifted_by_hand(rig: Rig) -> None:
    public_id, to = rig.send(Play(reports=("sent", "undelivered"), error=30005))
    assert rig.api.until(public_id, "undelivered")["error"]["code"] == "invalid_number"
    assert _left_alone(rig, to)["carrier_code"] == "30005"
    assert rig.api("DELETE", f"/v1/cooldowns/{to}").json() == {"number": to}
    assert rig.api("DELETE", f"/v1/cooldowns/{to}").status_code == 404
    assert rig.api("GET", "/v1/audit").json()["data"][0]["action"] == "cooldown.lifted"
    assert rig.api("POST", "/v1/messages", {"to": to, "text": "Again"}).status_code == 202


def _left_alone(rig: Rig, to: str, *, wanted: bool = True) -> dict[str, Any]:
    """What is known of a number, once it is (not) left alone."""
    end = time.monotonic() + 10
    while True:
        found = [one for one in rig.api("GET", "/v1/cooldowns").json()["data"] if one["number"] == to]
        if bool(found) == wanted:
            return dict(found[0]) if found else {}
        assert time.monotonic() < end, found
        time.sleep(0.02)


# -- what the outcome of the send leaves open, a report tells


class Doubt(NamedTuple):
    """A send without an outcome, what is reported of it, and what it comes to."""

    play: Play
    later: str | None  # reported when the outcome is known to be unknown
    status: str
    texts: int = 1
    kind: str = "transactional"


HANGS_UP = Play(resets=True)
DOUBTS = {
    "delivered, reported afterwards": Doubt(HANGS_UP, "delivered", "delivered"),
    "undelivered, reported afterwards": Doubt(HANGS_UP, "undelivered", "undelivered"),
    "delivered, reported before": Doubt(Play(resets=True, reports_first=True, reports=REPORTS), None, "delivered"),
    "delivered, after a time-out": Doubt(Play(delay_s=1.5, reports=()), "delivered", "delivered"),
    "delivered, after a fault": Doubt(Play(status=500), "delivered", "delivered"),
    "on its way, reported afterwards": Doubt(HANGS_UP, "sent", "sent"),
    "on its way, reported before": Doubt(
        Play(resets=True, reports_first=True, reports=("queued", "sent")), None, "sent"
    ),
    "nothing, and not worth a second one": Doubt(HANGS_UP, None, "queued", kind="promotional"),
    "delivered, and not worth a second one": Doubt(HANGS_UP, "delivered", "delivered", kind="promotional"),
}


@pytest.fixture(scope="module")
def doubts(rig: Rig) -> dict[str, tuple[str, str]]:
    """All at once; then so long that what goes again has gone."""
    sent = {name: rig.send(doubt.play, kind=doubt.kind) for name, doubt in DOUBTS.items()}
    for name, (public_id, to) in sent.items():
        if word := DOUBTS[name].later:
            until_unknown(rig.api, public_id)
            assert rig.provider.report(rig.provider.sent_to(to)[0], word).status == 200
    time.sleep(RESEND_S)
    return sent


@pytest.mark.parametrize(
    "name",
    DOUBTS,
)
def test_a_report_settles_a_send_of_unknown_outcome(rig: Rig, doubts: dict[str, tuple[str, str]], name: str) -> None:
    public_id, to = doubts[name]
    message = rig.message(public_id)
    assert len(rig.provider.sent_to(to)) == DOUBTS[name].texts, "it was sent again although it was known to be taken"
    assert message["status"] == DOUBTS[name].status
    assert rig.timeline(public_id).count("message.delivered") == (DOUBTS[name].status == "delivered")


def test_what_was_sent_once_is_not_flagged(rig: Rig, doubts: dict[str, tuple[str, str]]) -> None:
    public_id, to = doubts["delivered, reported afterwards"]
    assert len(rig.provider.sent_to(to)) == 1
    assert rig.message(public_id)["possible_duplicate"] is False


def again(rig: Rig, second: Play) -> tuple[str, Text, Text]:
    """A message that was sent twice, and both texts."""
    public_id, to = rig.send(HANGS_UP, second)
    first, other = rig.provider.until_sent(to, 2)
    return public_id, first, other


@pytest.mark.parametrize("reported", ["first", "second"])
def test_of_two_texts_the_one_that_arrives_counts(rig: Rig, reported: str) -> None:
    public_id, first, second = again(rig, Play(reports=()))
    rig.api.until(public_id, "sent")
    one, other = (first, second) if reported == "first" else (second, first)
    assert rig.provider.report(one, "delivered").status == 200
    message = rig.api.until(public_id, "delivered")
    assert message["possible_duplicate"] is True
    for word in ("delivered", "undelivered"):
        assert rig.provider.report(other, word, error=30003).status == 200
    message = rig.message(public_id)
    assert (message["status"], message["error"]) == ("delivered", None)
    assert rig.timeline(public_id).count("message.delivered") == 1


def test_of_two_texts_one_that_did_not_arrive_does_not_count_for_long(rig: Rig) -> None:
    public_id, first, second = again(rig, Play(reports=()))
    rig.api.until(public_id, "sent")
    rig.provider.report(second, "undelivered", error=30003)
    rig.api.until(public_id, "undelivered")
    rig.provider.report(first, "delivered")
    message = rig.api.until(public_id, "delivered")
    assert message["error"] is None


def test_a_report_of_the_first_text_may_come_while_the_second_is_under_way(rig: Rig) -> None:
    public_id, first, _ = again(rig, Play(delay_s=0.6, reports=()))
    rig.provider.report(first, "delivered")
    message = rig.api.until(public_id, "delivered")
    time.sleep(0.8)  # the answer to the second
    message = rig.message(public_id)
    assert (message["status"], message["possible_duplicate"]) == ("delivered", True)
    assert rig.timeline(public_id).count("message.delivered") == 1


def test_a_second_text_that_was_taken_stands_among_the_attempts(rig: Rig) -> None:
    """Whoever asks why somebody was texted twice, and charged twice, has to find it."""
    public_id, first, second = again(rig, Play(delay_s=0.6, reports=()))
    rig.provider.report(first, "delivered")
    rig.api.until(public_id, "delivered")
    time.sleep(0.8)
    assert second.sid in [one["carrier_id"] for one in rig.message(public_id)["attempts"]]
    assert rig.timeline(public_id).count("attempt.answered_late") == 1


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


# -- when the process or the disk fails


def small(folder: Path, provider: Provider, **settings: Any) -> Server:
    """A gateway of one's own."""
    server = Server(folder)
    route = '[[routes]]\nname = "all"\nvia = ["main"]\n'
    server.configure(f'public_url = "{server.url}"\n{provider.connector("main", **settings)}{route}')
    return server


def live(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


@pytest.mark.parametrize(
    "reported",
    [
        "after the restart",
        pytest.param(
            "before the kill",
        ),
    ],
)
def test_killed_in_the_middle_of_a_send_a_report_still_finds_its_message(tmp_path: Path, reported: str) -> None:
    to = number()
    with Provider() as provider, small(tmp_path, provider) as server:
        api = live(server)
        provider.plays(to, Play(delay_s=30, reports=()))
        public_id = api.send(to)["id"]
        [text] = provider.until_sent(to)
        if reported == "before the kill":
            assert provider.report(text, "delivered").status == 200
        server.kill()
        server.start()
        if reported == "after the restart":
            until_unknown(api, public_id)
            assert provider.report(text, "delivered").status == 200
        time.sleep(RESEND_S)
        message = api("GET", f"/v1/messages/{public_id}").json()
        assert (message["status"], len(provider.sent_to(to))) == ("delivered", 1)


def test_killed_in_the_middle_of_a_send_it_goes_again_flagged_and_under_its_own_name(tmp_path: Path) -> None:
    to = number()
    with Provider() as provider, small(tmp_path, provider) as server:
        api = live(server)
        provider.plays(to, Play(delay_s=30, reports=()))
        public_id = api.send(to)["id"]
        provider.until_sent(to)
        server.kill()
        server.start()
        message = api.until(public_id, "delivered")
        first, second = provider.sent_to(to)
        assert first.ref == second.ref and message["possible_duplicate"] is True
        assert [one["status"] for one in message["attempts"]] == ["unknown", "delivered"]


def test_a_report_is_found_by_its_id_after_a_restart(tmp_path: Path) -> None:
    to = number()
    with Provider(Play(reports=())) as provider, small(tmp_path, provider) as server:
        api = live(server)
        public_id = api.send(to)["id"]
        api.until(public_id, "sent")
        assert server.stop() == 0
        server.start()
        assert provider.report(provider.sent_to(to)[0], "delivered").status == 200
        api.until(public_id, "delivered")


def test_a_report_is_thanked_for_only_when_it_is_on_disk(tmp_path: Path) -> None:
    to = number()
    with Provider(Play(reports=())) as provider, small(tmp_path, provider) as server:
        api = live(server)
        public_id = api.send(to)["id"]
        api.until(public_id, "sent")
        [text] = provider.sent_to(to)
        form = report_of(provider.account, text.sid, "delivered", to=to)
        headers = {"X-Twilio-Signature": signature(provider.token, text.callback, form)}
        limit_files(server, max(path.stat().st_size for path in server.data_dir.iterdir()))
        fill(api)
        with pytest.raises(requests.Timeout):
            requests.post(text.callback, form, headers=headers, timeout=1.5)
        limit_files(server, resource.RLIM_INFINITY)
        assert requests.post(text.callback, form, headers=headers, timeout=10).status_code == 200
        message = api.until(public_id, "delivered")
        timeline = [one["type"] for one in api("GET", f"/v1/messages/{message['id']}/events").json()["data"]]
        assert timeline.count("message.delivered") == 1


def test_a_no_that_comes_while_the_disk_is_full_holds_when_it_is_not(tmp_path: Path) -> None:
    to = number()
    with Provider() as provider, small(tmp_path, provider) as server:
        api = live(server)
        provider.plays(to, Play(delay_s=1.5, status=400, code=OPTED_OUT))
        public_id = api.send(to)["id"]
        provider.until_sent(to)
        limit_files(server, max(path.stat().st_size for path in server.data_dir.iterdir()))
        fill(api)
        time.sleep(2.0)
        limit_files(server, resource.RLIM_INFINITY)
        api.until(public_id, "failed")
        time.sleep(1.0)
        assert api("POST", "/v1/messages", {"to": to, "text": "Hello again"}).status_code == 422


def limit_files(server: Server, size: int) -> None:
    """No file of the gateway may grow beyond this: to its writes that is a full disk."""
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def fill(api: Api) -> None:
    """Until nothing is kept any more."""
    for _ in range(200):
        if api("POST", "/v1/messages", {"to": number(), "text": "x" * 150}).status_code == 503:
            return
    raise AssertionError("the disk was not full")


def test_a_provider_that_does_not_answer_questions_holds_up_nothing_else(tmp_path: Path) -> None:
    with Provider(Play(reports=())) as provider, small(tmp_path, provider, timeout_ms=4_000) as server:
        api = live(server)
        provider.mute_s = 60
        unheard = [api.send(number())["id"] for _ in range(5)]
        for public_id in unheard:
            api.until(public_id, "sent")
        provider.until(lambda provider: bool(provider.asked), within_s=30)
        assert api("PUT", "/v1/pauses", {"scope": "all", "value": ""}).status_code == 200
        api.until(api.send(number(), valid_for="1s")["id"], "expired", within_s=10)


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
