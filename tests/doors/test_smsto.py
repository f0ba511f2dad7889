"""Programs that were written for SMS.to: the requests that it documents, at our door."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from tests.doors.conftest import Account
from tests.process.server import Api, Server
from tests.process.sink import Sink

TO = "+447700900263"


def test_one_text_to_several_is_a_campaign(api: Api, sink: Sink) -> None:
    several = [TO, "+447700900264", "12"]
    answer = api("POST", "/sms/send", {"to": several, "message": "To all", "callback_url": sink.url})
    assert answer.status_code == 200 and answer.json()["success"] is True
    assert answer.json().keys() == {"message", "success", "campaign_id"}
    heard = sink.until(lambda heard: sum(b"DELIVERED" in one.body for one in heard) == 2)
    told = [dict(parse_qsl(one.body.decode())) for one in heard]
    assert {one["phone"] for one in told} == set(several[:2])
    assert len({one["trackingId"] for one in told}) == 1
    campaign = api("GET", f"/campaigns/{answer.json()['campaign_id']}").json()
    assert (campaign["total"], campaign["status"]) == (2, "SENT")
    assert campaign["states"] == {"DELIVERED": 2}


def test_several_personal_texts_in_one_request(api: Api) -> None:
    messages = [{"to": TO, "message": "Hello Ada"}, {"to": "+447700900264", "message": "Hello Bob"}]
    assert api("POST", "/sms/send", {"messages": messages, "sender_id": "Acme"}).status_code == 200
    listed = api("GET", "/messages?per_page=2").json()
    assert {(one["to"], one["message"]) for one in listed["data"]} == {(m["to"], m["message"]) for m in messages}
    again = api("GET", "/messages?per_page=1&page=2").json()["data"]
    assert [one["_id"] for one in again] == [one["_id"] for one in listed["data"][1:]]


def test_how_a_message_stands(api: Api) -> None:
    sent = api("POST", "/sms/send", {"to": TO, "message": "One"}).json()
    api.until(sent["message_id"], "delivered")
    shown = api("GET", f"/message/{sent['message_id']}").json()
    assert (shown["_id"], shown["status"], shown["sms_count"]) == (sent["message_id"], "DELIVERED", 1)
    assert datetime.fromisoformat(shown["updated_at"]) <= datetime.now(UTC).replace(tzinfo=None)
    assert api("GET", "/last/message").json() == shown


def test_a_scheduled_time_is_in_its_time_zone(api: Api) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    there = at.astimezone(ZoneInfo("Europe/Athens")).strftime("%Y-%m-%d %H:%M:%S")
    for asked in ({"scheduled_for": there, "timezone": "Europe/Athens"}, {"scheduled_for": f"{at:%Y-%m-%d %H:%M:%S}"}):
        sent = api("POST", "/sms/send", {"to": TO, "message": "Later", **asked}).json()
        message = api("GET", f"/v1/messages/{sent['message_id']}").json()
        assert datetime.fromisoformat(message["send_at"]) == at
        assert api("GET", f"/message/{sent['message_id']}").json()["status"] == "SCHEDULED"


def test_what_it_would_cost(api: Api) -> None:
    found = api("POST", "/sms/estimate", {"to": [TO, "12"], "message": "x" * 161}).json()
    assert (found["success"], found["sms_count"], found["contact_count"], found["invalid_count"]) == (True, 2, 1, 1)
    assert api("GET", "/last/message").json()["message"] != "x" * 161


def test_the_balance_is_what_a_budget_of_money_has_left(api: Api, admin: Api) -> None:
    assert api("GET", "/api/balance").json() == {"balance": None, "currency": None}
    budget = {"name": "month", "per": "month", "max_spend": "25.00", "currency": "EUR"}
    assert admin.policy("budgets", budgets=[budget]).status_code == 200
    assert api("GET", "/api/balance").json() == {"balance": 25.0, "currency": "EUR"}
    admin.policy("budgets", budgets=[])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": TO}, "missing_field"),
        ({"message": "x"}, "missing_field"),
        ({"to": [], "message": "x"}, "missing_field"),
        ({"to": TO, "message": "x", "messages": [{"to": TO, "message": "y"}]}, "ambiguous_field"),
        ({"to": TO, "message": "x", "scheduled_for": "soon"}, "bad_time"),
        ({"to": TO, "message": "x", "timezone": "Mars"}, "bad_time_zone"),
        ({"to": ["12", "13"], "message": "x"}, "too_short"),
    ],
)
def test_what_is_wrong_is_told(api: Api, asked: dict[str, Any], code: str) -> None:
    answer = api("POST", "/sms/send", asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    same = api("POST", "/sms/estimate", asked)
    assert (same.status_code, same.json()["success"], same.headers["x-heliograph-code"]) == (400, False, code)


def test_another_workspaces_messages_are_not_there(server: Server, api: Api, theirs: Account) -> None:
    sent = api("POST", "/sms/send", {"to": TO, "message": "Mine"}).json()
    campaign = api("POST", "/sms/send", {"to": [TO], "message": "Mine"}).json()["campaign_id"]
    stranger = Api(server, theirs.key)
    for path in (f"/message/{sent['message_id']}", f"/campaigns/{campaign}", "/last/message"):
        answer = stranger("GET", path)
        assert (answer.status_code, answer.json()["success"]) == (404, False)
    assert stranger("GET", "/messages").json()["data"] == []


def test_nobody_gets_past_an_opt_out(api: Api, admin: Api) -> None:
    admin("POST", "/v1/consents", {"to": "+447700900265", "action": "opt_out"})
    answer = api("POST", "/sms/send", {"to": "+447700900265", "message": "x", "bypass_optout": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "opted_out")
