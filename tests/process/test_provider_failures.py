"""A real gateway and a provider that fails in every way, or a process or a disk that does: what a message becomes."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.process.provider import OPTED_OUT, REPORTS, Play, Provider, Text, report_of, signature
from tests.process.provider_rig import Rig, live, number, serving
from tests.process.server import Api, Server

RESEND_S = 3.0  # what may go again has gone by then: a first pause takes 2 s, more or less


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with serving(tmp_path_factory.mktemp("providers")) as rig:
        yield rig


def until_unknown(api: Api, public_id: str) -> None:
    """Until the outcome of the first attempt is given up."""
    end = time.monotonic() + 10
    while True:
        found = api("GET", f"/v1/messages/{public_id}").json()
        if [one["status"] for one in found["attempts"]] == ["unknown"]:
            return
        assert time.monotonic() < end, found
        time.sleep(0.02)


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


# -- when the process or the disk fails


def small(folder: Path, provider: Provider, **settings: Any) -> Server:
    """A gateway of one's own."""
    server = Server(folder)
    route = '[[routes]]\nname = "all"\nvia = ["main"]\n'
    server.configure(f'public_url = "{server.url}"\n{provider.connector("main", **settings)}{route}')
    return server


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
