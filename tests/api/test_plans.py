"""Message plans over the API: a person is reached by the first channel that does it, and told of once."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.texts]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.05"
currency = "EUR"
[connectors.letters]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.001"
currency = "EUR"
[[routes]]
name = "letters"
match = { channel = "email" }
via = ["letters"]
[[routes]]
name = "texts"
via = ["texts"]
[plans.alert]
by_preference = true
cheapest_first = ["promotional"]
[[plans.alert.steps]]
channel = "sms"
within = "1m"
[[plans.alert.steps]]
channel = "email"
content = { subject = "We could not text you" }
"""
BAD = "[sandbox:undelivered]"
SUBJECT = {"subject": "Hello"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("plans"), CONFIG) as running:
        yield running


def begin(api: Api, to: str = "+447400900123", **more: Any) -> requests.Response:
    return api("POST", "/v1/messages", {"to": to, "text": "Hello", "plan": "alert", **more})


def over(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    """The run when it has ended."""
    end = time.monotonic() + 15
    while True:
        found: dict[str, Any] = api("GET", f"/v1/plans/runs/{run['id']}").json()
        if found["status"] != "running":
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def steps(run: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(step["channel"], step["status"], step["reason"]) for step in run["steps"]]


def letter(**more: Any) -> dict[str, Any]:
    return {"channel": "email", "to": "ann@example.com", "content": SUBJECT, **more}


def test_who_gets_the_text_gets_no_e_mail(api: Api) -> None:
    begun = begin(api)
    assert begun.status_code == 202, begun.text
    assert begun.json()["id"].startswith("run_")
    run = over(api, begun.json())
    assert (run["status"], run["reached_by"], steps(run)) == ("reached", "sms", [("sms", "delivered", None)])
    sent = api("GET", f"/v1/messages/{run['steps'][0]['message_id']}").json()
    assert (sent["text"], sent["correlation_id"]) == ("Hello", run["id"])


def test_when_a_text_fails_an_e_mail_goes(api: Api) -> None:
    run = over(api, begin(api, plan=[{"text": BAD}, letter(text="By post, then.", until="delivered")]).json())
    assert (run["status"], run["reached_by"], run["plan"]) == ("reached", "email", None)
    assert steps(run) == [("sms", "undelivered", None), ("email", "delivered", None)]
    assert run["steps"][1]["took_ms"] is not None


def test_without_a_receipt_in_time_the_next_step_begins(api: Api) -> None:
    first = {"text": "[sandbox:no_receipt]", "within": "1s"}
    run = over(api, begin(api, plan=[first, letter()]).json())
    assert steps(run)[0][:2] == ("sms", "sent") and run["reached_by"] == "email"


def test_what_only_came_is_not_read(api: Api) -> None:
    plan = [{"until": "read", "within": "1s"}, {"until": "read", "text": "[sandbox:read]"}]
    run = over(api, begin(api, plan=plan).json())
    assert [step["status"] for step in run["steps"]] == ["delivered", "read"]


def test_what_still_waits_is_taken_back(api: Api, admin: Api) -> None:
    plan = [{"within": "1s"}, letter()]
    with paused(admin, "texts"):
        begun = begin(api, plan=plan).json()
        time.sleep(1.5)
    run = over(api, begun)
    assert run["reached_by"] == "email", run
    assert steps(run)[0] == ("sms", "canceled", "given_up")


class paused:  # noqa: N801
    """A connector that is stopped by hand."""

    def __init__(self, admin: Api, connector: str) -> None:
        self.admin, self.connector = admin, connector

    def __enter__(self) -> None:
        assert self.admin("PUT", "/v1/pauses", {"scope": "connector", "value": self.connector}).ok

    def __exit__(self, *_: object) -> None:
        assert self.admin("DELETE", f"/v1/pauses?scope=connector&value={self.connector}").ok


def test_a_contacts_address_is_found_and_who_has_none_is_skipped(api: Api, admin: Api) -> None:
    admin("POST", "/v1/contacts", {"addresses": ["+447400900201", "two@example.com"]})
    run = over(api, begin(api, "+447400900201", text=BAD).json())
    assert run["steps"][1]["to"] == "two@example.com"
    alone = over(api, begin(api, "+447400900202", text=BAD).json())
    assert (alone["status"], steps(alone)[1]) == ("exhausted", ("email", "skipped", "no_address"))


def test_what_a_person_prefers_goes_first_and_the_cheapest_when_it_does_not_matter(live: Api, admin: Api) -> None:
    admin("POST", "/v1/contacts", {"addresses": ["+447400900301", "three@example.com"]})
    prefers = {"addresses": ["+447400900302", "four@example.com"], "attributes": {"preferred_channel": "email"}}
    admin("POST", "/v1/contacts", prefers)

    def order(to: str, **more: Any) -> list[str]:
        answer = begin(live, to, dry_run=True, **more)
        assert answer.status_code == 200, answer.text
        return [step["channel"] for step in answer.json()["steps"]]

    assert order("+447400900301") == ["sms", "email"]
    assert order("+447400900302") == ["email", "sms"]
    assert order("+447400900301", kind="promotional") == ["email", "sms"]


def test_a_no_holds_for_every_channel(api: Api, admin: Api) -> None:
    admin("POST", "/v1/contacts", {"addresses": ["+447400900401", "five@example.com"]})
    admin("POST", "/v1/consents", {"to": "+447400900401", "action": "opt_out"})
    run = over(api, begin(api, "+447400900401").json())
    assert run["status"] == "exhausted"
    assert steps(run) == [("sms", "skipped", "opted_out"), ("email", "skipped", "opted_out")]


@pytest.mark.parametrize(
    ("plan", "code", "pointer"),
    [
        ("alarm", "unknown_plan", "/plan"),
        ([], "bad_value", "/plan"),
        ([{}] * 11, "bad_value", "/plan"),
        ([{"channel": "pigeon"}], "unknown_channel", "/plan/0/channel"),
        ([{}, {"within": "soon"}], "bad_span", "/plan/1/within"),
        ([{}, {"kinds": ["spam"]}], "unknown_kind", "/plan/1/kinds/0"),
        ([{}, letter(content={})], "missing_field", "/plan/1/content/subject"),
        ([{}, letter(content=None)], "missing_field", "/plan/1/content/subject"),
        ([{"kinds": ["otp"]}], "no_step", "/plan"),
        ([letter(to=None)], "no_address", "/plan/0/to"),
        ([{"colour": "red"}], "unknown_field", "/plan/0/colour"),
    ],
)
def test_a_plan_that_can_not_work_is_refused_at_once(api: Api, plan: Any, code: str, pointer: str) -> None:
    refused = begin(api, plan=plan)
    assert refused.status_code == 422, refused.text
    assert (refused.json()["code"], refused.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_plan_has_no_place_in_a_batch(api: Api) -> None:
    answer = api("POST", "/v1/messages/batch", {"messages": [{"to": "+447400900123", "text": "Hi", "plan": "alert"}]})
    assert "plan_not_here" in answer.text


def test_the_same_request_begins_one_run(api: Api) -> None:
    body = {"to": "+447400900501", "text": "Once", "plan": "alert"}
    headers = {"Idempotency-Key": "plan-1"}
    first, again = (api("POST", "/v1/messages", body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert len(api("GET", "/v1/messages?to=%2B447400900501").json()["data"]) == 1
    other = api("POST", "/v1/messages", body | {"text": "Twice"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_a_run_can_be_canceled(api: Api) -> None:
    begun = begin(api, plan=[{"text": "[sandbox:no_receipt]", "within": "2s"}, letter()]).json()
    stopped = api("POST", f"/v1/plans/runs/{begun['id']}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "canceled")
    assert api("POST", f"/v1/plans/runs/{begun['id']}/cancel").status_code == 409
    time.sleep(2.5)
    assert len(api("GET", f"/v1/plans/runs/{begun['id']}").json()["steps"]) == 1


def test_webhooks_hear_how_it_ended(api: Api, admin: Api, sink: Sink) -> None:
    endpoint = {"name": "plans", "url": sink.url, "events": ["plan.*"]}
    assert admin("POST", "/v1/endpoints", endpoint).ok
    run = over(api, begin(api, plan=[{"text": BAD}]).json())
    (heard,) = sink.until(lambda all_: bool(all_))
    assert heard.event["type"] == "plan.exhausted"
    assert heard.event["data"]["id"] == run["id"]
    admin("DELETE", "/v1/endpoints/plans")


def test_channels_are_compared(live: Api) -> None:
    runs = [
        begin(live, "+447400900601"),
        begin(live, "+447400900602", plan=[{"text": BAD}, letter(until="delivered")]),
    ]
    for run in runs:
        over(live, run.json())
    found = {one["channel"]: one for one in live("GET", "/v1/plans/outcomes").json()["data"]}
    assert (found["sms"]["tried"], found["sms"]["reached"], found["sms"]["reached_percent"]) == (2, 1, 50.0)
    assert (found["email"]["tried"], found["email"]["reached"]) == (1, 1)
    assert found["sms"]["cost_per_reached"] == {"EUR": "0.100000"}
    assert found["email"]["cost"] == {"EUR": "0.001"}
    listed = live("GET", "/v1/plans/runs?plan=alert&limit=1").json()
    assert [run["plan"] for run in listed["data"]] == ["alert"]


def test_who_is_erased_is_in_no_plan(api: Api, admin: Api) -> None:
    begun = begin(api, "+447400900701", plan=[{"text": "[sandbox:no_receipt]", "within": "2s"}, letter()]).json()
    shown = admin("GET", "/v1/people/+447400900701/export").json()
    assert [plan["id"] for plan in shown["plans"]] == [begun["id"]]
    (first,) = api("GET", "/v1/messages?to=%2B447400900701").json()["data"]
    api.until(first["id"], "sent")  # what is being handed over can't be erased yet
    erased = admin("POST", "/v1/people/erase", {"number": "+447400900701"})
    assert erased.status_code == 200, erased.text
    run = api("GET", f"/v1/plans/runs/{begun['id']}").json()
    assert run["status"] == "canceled" and "7400900701" not in str(run)
