"""Statistics over HTTP: what charts ask, as a count of the messages gives it; goals; the proof by the command line."""

import time
from typing import Any

import pytest

from tests.process.server import Api, Server

TO, FAILING = "+447700900123", "+447700900404"


@pytest.fixture(scope="module")
def busy(admin: Api) -> list[dict[str, Any]]:
    """Messages of three kinds, all at their end and in the sums."""
    sent = [admin.send(TO, kind=kind) for kind in ("otp", "otp")]
    sent.append(admin.send(TO, "Grüße ☀" * 20, kind="transactional"))
    found = [admin.until(one["id"], "delivered", "undelivered", "failed") for one in sent]
    settled(admin, len(sent))
    return found


def settled(admin: Api, count: int) -> None:
    """Wait until so many ended messages are in the sums."""
    end = time.monotonic() + 20
    while (
        asked(admin, "tried")["data"][0]["total"]["tried"] < count or asked(admin, "sent")["data"][0]["total"]["sent"]
    ):
        assert time.monotonic() < end
        time.sleep(0.1)


def asked(api: Api, measures: str, **more: str) -> Any:
    answer = api("GET", "/v1/insights", params={"measures": measures, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_measures_are_told_in_all_and_over_time(admin: Api, busy: list[dict[str, Any]]) -> None:
    found = asked(admin, "messages,delivered,delivery_rate,time_to_send_p95", by="kind", step="1h")
    assert found["step_s"] == 3_600
    by_kind = {one["group"]["kind"]: one for one in found["data"]}
    assert by_kind["otp"]["total"]["messages"] == 2
    assert by_kind["otp"]["total"]["delivery_rate"] == 1.0
    assert sum(by_kind["otp"]["values"]["messages"]) == 2
    assert len(by_kind["otp"]["values"]["messages"]) == len(found["times"])
    assert by_kind["transactional"]["total"]["delivered"] == 1
    assert asked(admin, "messages", kind="transactional,support")["data"][0]["total"] == {"messages": 1}


def test_long_messages_and_those_in_unicode_are_told_apart(admin: Api, busy: list[dict[str, Any]]) -> None:
    names = "segments_per_message,long_share,unicode_share"
    found = {one["group"]["kind"]: one["total"] for one in asked(admin, names, by="kind")["data"]}
    assert found["otp"] == {"segments_per_message": 1.0, "long_share": 0.0, "unicode_share": 0.0}
    assert found["transactional"] == {"segments_per_message": 3.0, "long_share": 1.0, "unicode_share": 1.0}


def test_a_time_is_compared_with_the_one_before(admin: Api, busy: list[dict[str, Any]]) -> None:
    (line,) = asked(admin, "messages", compare="previous")["data"]
    assert (line["total"], line["previous"]) == ({"messages": 3}, {"messages": 0})


def test_another_environment_sees_nothing_of_it(server: Server, live: Api, busy: list[dict[str, Any]]) -> None:
    stranger = Api(server, server.key("admin", environment="live"))
    assert asked(stranger, "messages")["data"][0]["total"] == {"messages": 0}
    goal = {"goal": "order", "message_id": busy[0]["id"]}
    answer = stranger("POST", "/v1/conversions", goal)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert stranger("GET", "/v1/conversions").json()["data"] == []


def test_a_goal_counts_once_for_its_message(admin: Api, busy: list[dict[str, Any]]) -> None:
    goal = {"goal": "order", "message_id": busy[0]["id"], "reference": "A-1", "value": "19.90", "currency": "EUR"}
    first = admin("POST", "/v1/conversions", goal)
    assert first.status_code == 200, first.text
    again = admin("POST", "/v1/conversions", goal | {"value": "5"}).json()
    assert (again["id"], again["value"], again["repeated"]) == (first.json()["id"], "19.90", True)
    contact = admin("POST", "/v1/contacts", {"addresses": [TO]}).json()
    of_contact = admin("POST", "/v1/conversions", {"goal": "ticket_deflected", "contact_id": contact["id"]}).json()
    assert of_contact["message_id"] in {one["id"] for one in busy}
    end = time.monotonic() + 20
    while len(lines := asked(admin, "goals,goal_value", by="detail")["data"]) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    totals = {one["group"]["detail"]: one["total"] for one in lines}
    assert totals["order"] == {"goals": 1, "goal_value": {"EUR": "19.90"}}
    assert totals["ticket_deflected"] == {"goals": 1, "goal_value": {}}
    assert [one["goal"] for one in admin("GET", "/v1/conversions").json()["data"]] == ["ticket_deflected", "order"]
    assert [one["goal"] for one in admin("GET", "/v1/conversions?goal=order").json()["data"]] == ["order"]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ({"measures": "mesages"}, "bad_value", "/measures"),
        ({"measures": ""}, "bad_value", "/measures"),
        ({"measures": "messages", "by": "planet"}, "bad_value", "/by"),
        ({"measures": "opt_outs", "by": "status"}, "bad_value", "/by"),
        ({"measures": "time_to_send_p50", "sender": "Acme"}, "bad_value", "/sender"),
        ({"measures": "messages", "step": "7m"}, "bad_value", "/step"),
        ({"measures": "messages", "step": "soon"}, "bad_value", "/step"),
        ({"measures": "messages", "step": "1m", "from": "2020-01-01"}, "bad_value", "/step"),
        ({"measures": "messages", "from": "2030-01-01", "to": "2029-01-01"}, "bad_value", "/from"),
    ],
)
def test_a_wrong_question_is_told_what_would_be_right(
    admin: Api, query: dict[str, str], code: str, pointer: str
) -> None:
    answer = admin("GET", "/v1/insights", params=query)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code), answer.text
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"goal": "order"}, "missing_field"),
        ({"goal": "order", "message_id": "msg_x", "contact_id": "cnt_x"}, "missing_field"),
        ({"goal": "order", "message_id": "msg_x"}, "not_found"),
        ({"goal": "order", "message_id": "MESSAGE", "value": "a lot", "currency": "EUR"}, "bad_value"),
        ({"goal": "order", "message_id": "MESSAGE", "value": "1"}, "missing_field"),
        ({"goal": "order", "message_id": "MESSAGE", "at": "2020-01-01T00:00:00Z"}, "bad_time"),
        ({"goal": "order", "message_id": "MESSAGE", "at": "2050-01-01T00:00:00Z"}, "bad_time"),
    ],
)
def test_a_wrong_goal_is_refused(admin: Api, busy: list[dict[str, Any]], body: dict[str, Any], code: str) -> None:
    named = {key: busy[0]["id"] if value == "MESSAGE" else value for key, value in body.items()}
    assert admin("POST", "/v1/conversions", named).json()["code"] == code


def test_each_measure_says_what_it_is(admin: Api) -> None:
    found = {one["name"]: one for one in admin("GET", "/v1/insights/measures").json()["data"]}
    assert found["delivery_rate"]["formula"] == "delivered ÷ settled"
    assert "sender" not in found["time_to_send_p95"]["by"]
    everything = ",".join(found)
    assert len(asked(admin, everything)["data"][0]["total"]) == len(found)


def test_the_command_line_proves_the_sums_beside_a_running_server(server: Server, busy: list[dict[str, Any]]) -> None:
    found = server.run("insight", "check")
    assert found["differences"] == []
    assert found["messages"] >= 3
    assert server.run("insight", "rebuild")["differences"] == []
