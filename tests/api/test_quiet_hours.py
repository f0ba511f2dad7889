"""Quiet hours over HTTP: held, refused, changed, walled. Rules of a workspace's own make any hour of the day quiet."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.process.server import Api, Server

PROMOTION = {"to": "+33612345678", "text": "Ten percent off. STOP to opt out", "kind": "promotional"}
PARIS = "Europe/Paris"
ALWAYS = {"mon-sun": "00:00-24:00"}
NEVER = {"mon-sun": ""}


@pytest.fixture(scope="module")
def night(server: Server) -> Api:
    """A workspace of its own, in which everything is tried with test keys."""
    server.run("workspaces", "create", "night")
    return Api(server, server.key("admin", workspace="night"))


@pytest.fixture
def declare(night: Api) -> Iterator[Callable[..., None]]:
    def put(**settings: Any) -> None:
        answer = night.policy("quiet_hours", **{"in_test": True, **settings})
        assert answer.status_code == 200, answer.text

    yield put
    put(in_test=False)


def rule(open_hours: dict[str, str], *countries: str, **more: Any) -> dict[str, Any]:
    return {"name": "ours", "countries": list(countries) or ["*"], "hours": open_hours, **more}


def opens_tomorrow() -> tuple[dict[str, str], datetime]:
    """Hours that are closed now and open at noon (in Paris) of the day after tomorrow, wherever the clock stands."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    day = datetime.now(UTC) + timedelta(2)
    return {name: "12:00-13:00" if name == names[day.weekday()] else "" for name in names}, day


def test_a_promotional_message_in_quiet_hours_is_held(night: Api, declare: Callable[..., None]) -> None:
    open_hours, day = opens_tomorrow()
    declare(rules=[rule(open_hours, "FR")])
    sent = night.send(**PROMOTION)
    assert sent["status"] == "scheduled"
    message = night("GET", f"/v1/messages/{sent['id']}").json()
    due = datetime.fromisoformat(message["send_at"])
    assert due.date() == day.date() and due.minute == 0 and due.hour in (10, 11)
    until = datetime.fromisoformat(message["valid_until"])
    assert until - due == timedelta(days=1), "the usual span begins when it may go"
    types = [event["type"] for event in night("GET", f"/v1/messages/{sent['id']}/events").json()["data"]]
    assert types == ["message.accepted", "message.scheduled"]


def test_the_trace_says_which_rule_holds_it_and_until_when(night: Api, declare: Callable[..., None]) -> None:
    open_hours, _ = opens_tomorrow()
    declare(rules=[rule(open_hours, "FR")])
    answer = night("POST", "/v1/messages", {**PROMOTION, "dry_run": True}).json()
    step = answer["decision"][-1]
    assert step["rule"] == "quiet_hours" and step["jurisdiction"] == "ours"
    assert (step["zones"], step["zones_by"]) == ([PARIS], "country")
    assert step["held_until"].endswith(":00:00.000Z") and "in Europe/Paris: " in step["why"]


def test_a_message_inside_the_hours_goes_at_once(night: Api, declare: Callable[..., None]) -> None:
    declare(rules=[rule(ALWAYS)])
    sent = night.send(**PROMOTION)
    assert sent["status"] == "queued"
    night.until(sent["id"], "delivered")


@pytest.mark.parametrize("kind", ["otp", "transactional", "support"])
def test_other_kinds_go_at_any_time(night: Api, declare: Callable[..., None], kind: str) -> None:
    declare(rules=[rule(NEVER)])
    night.until(night.send(**PROMOTION | {"kind": kind, "text": "Code 12"})["id"], "delivered")


def test_other_kinds_keep_quiet_hours_when_that_is_declared(night: Api, declare: Callable[..., None]) -> None:
    open_hours, _ = opens_tomorrow()
    declare(kinds=["support"], rules=[rule(open_hours, kinds=["support"])])
    assert night.send(**PROMOTION | {"kind": "support"})["status"] == "scheduled"
    assert night.send(**PROMOTION)["status"] == "queued"


def refused(night: Api, **more: Any) -> dict[str, Any]:
    answer = night("POST", "/v1/messages", PROMOTION | more)
    assert (answer.status_code, answer.json()["code"]) == (422, "quiet_hours"), answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_it_is_refused_when_that_is_declared(night: Api, declare: Callable[..., None]) -> None:
    open_hours, day = opens_tomorrow()
    declare(action="reject", rules=[rule(open_hours, "FR")])
    assert f"next_allowed_at: {day:%Y-%m-%d}T1" in refused(night)["detail"]


def test_it_is_refused_when_it_would_be_too_late(night: Api, declare: Callable[..., None]) -> None:
    open_hours, _ = opens_tomorrow()
    declare(rules=[rule(open_hours, "FR")])
    problem = refused(night, valid_for="2h")
    assert problem["errors"][0]["pointer"] == "/valid_for" and "next_allowed_at" in problem["detail"]
    assert night.send(**PROMOTION, valid_for="7d")["status"] == "scheduled"


def test_it_is_refused_where_nothing_may_ever_go(night: Api, declare: Callable[..., None]) -> None:
    declare()
    assert "next_allowed_at: never" in refused(night, to="+905301234567")["detail"]


def test_a_time_asked_for_is_moved_to_the_next_opening(night: Api, declare: Callable[..., None]) -> None:
    declare()  # the law of France
    now = datetime.now(UTC)
    year = now.year + (now >= datetime(now.year, 7, 13, tzinfo=UTC))
    sent = night.send(**PROMOTION, send_at=f"{year}-07-14T10:00:00Z")  # noon on the national holiday
    due = datetime.fromisoformat(night("GET", f"/v1/messages/{sent['id']}").json()["send_at"])
    weekday = datetime(year, 7, 15).weekday()
    assert due == datetime(year, 7, 16 if weekday == 6 else 15, 6, tzinfo=UTC)


def test_the_zone_that_the_caller_knows_counts(night: Api, declare: Callable[..., None]) -> None:
    declare()
    step = night("POST", "/v1/messages", {**PROMOTION, "time_zone": "Asia/Tokyo", "dry_run": True}).json()
    found = step["decision"][-1]
    assert (found["jurisdiction"], found["zones"], found["zones_by"]) == ("FR", ["Asia/Tokyo"], "contact")
    answer = night("POST", "/v1/messages", {**PROMOTION, "time_zone": "Mars/Olympus"}).json()
    assert (answer["code"], answer["errors"][0]["pointer"]) == ("bad_time_zone", "/time_zone")


def test_a_batch_tells_of_each_message(night: Api, declare: Callable[..., None]) -> None:
    declare(action="reject", rules=[rule(NEVER, "FR"), rule(ALWAYS)])
    messages = [PROMOTION, PROMOTION | {"to": "+447400123456"}]
    answer = night("POST", "/v1/messages/batch", {"messages": messages}).json()["data"]
    assert [(one["status"], one.get("code")) for one in answer] == [("refused", "quiet_hours"), ("queued", None)]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"kinds": ["otp"]}, "unknown_kind", "/kinds/0"),
        ({"kinds": ["promotion"]}, "unknown_kind", "/kinds/0"),
        ({"rules": [rule({"mon-fri": "08:00-20:00"})]}, "bad_hours", "/rules/0/hours"),
        ({"rules": [rule(ALWAYS, "FRA")]}, "unknown_country", "/rules/0/countries/0"),
        ({"rules": [rule(ALWAYS, "US-fl")]}, "unknown_country", "/rules/0/countries/0"),
        ({"rules": [rule(ALWAYS, "FR", "DE", holidays="closed")]}, "no_calendar", "/rules/0/countries/1"),
        ({"rules": [rule(ALWAYS, holidays="maybe")]}, "bad_value", "/rules/0/holidays"),
        ({"action": "drop"}, "bad_value", "/action"),
        ({"rules": [{"name": "x", "countries": [], "hours": ALWAYS}]}, "bad_value", "/rules/0/countries"),
    ],
)
def test_what_means_nothing_is_refused(night: Api, body: dict[str, Any], code: str, pointer: str) -> None:
    answer = night.policy("quiet_hours", **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/document/policies/quiet_hours{pointer}"


def test_one_workspace_changes_nothing_in_another(night: Api, admin: Api, declare: Callable[..., None]) -> None:
    declare(action="reject", rules=[rule(NEVER)])
    assert admin.send(**PROMOTION)["status"] == "queued", "nor are test messages held that reach no phone"
