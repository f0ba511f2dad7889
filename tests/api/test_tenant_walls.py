"""Walls: with another workspace's or environment's ids every door answers as if there were nothing."""

import re
import time
from typing import Any

import pytest

from heliograph.api.site import ROUTES
from heliograph.core import ids
from tests.process.server import Api, Server


@pytest.fixture(scope="module")
def others(server: Server) -> dict[str, Api]:
    """Keys with every right elsewhere: in another workspace, and in another environment of the same."""

    server.run("workspaces", "create", "neighbour")
    return {
        "another workspace": Api(server, server.key("admin", workspace="neighbour")),
        "another environment": Api(server, server.key("admin", environment="live")),
    }


@pytest.fixture(scope="module")
def mine(server: Server, admin: Api, others: dict[str, Api]) -> dict[str, str]:
    """Things of ours, by the names that the doors below use."""
    sent = admin(
        "POST",
        "/v1/messages/batch",
        {"messages": [{"to": "+447700900123", "text": "Ours", "send_at": "2027-01-01T00:00:00Z"}]},
    ).json()
    admin("POST", "/v1/endpoints", {"name": "ours", "url": "http://127.0.0.1:9/"})
    admin("POST", "/v1/endpoints/ours/test")
    delivery = admin("GET", "/v1/endpoints/ours/deliveries").json()["data"][0]
    key = admin("POST", "/v1/keys", {"name": "ours"}).json()
    user = admin(
        "POST", "/v1/users", {"email": "ours@example.com", "name": "Ours", "roles": {"test": ["support"]}}
    ).json()
    admin("POST", "/v1/consents", {"to": "+447700900966", "action": "opt_out"})
    verification = admin("POST", "/v1/verifications", {"to": "+447700900968"}).json()
    authenticator = admin("POST", "/v1/authenticators", {"account": "ours", "issuer": "Acme"}).json()
    contact = admin("POST", "/v1/contacts", {"addresses": ["+447700900967"]}).json()
    admin("POST", "/v1/sandbox/inbound", {"from": "+447700900967", "to": "60606", "text": "Ours"})
    inbound = settled(admin)
    admin("PUT", "/v1/templates/ours", {"texts": {"en": "Ours"}})
    csv = {"data": b"to\n+447700900968\n", "headers": {"Content-Type": "text/csv"}}
    admin.session.post(f"{admin.url}/v1/audiences/upload?name=ours", timeout=20, **csv)
    admin("POST", "/v1/campaigns", {"name": "ours", "audience": "ours", "text": "Ours"})
    subscription = {"endpoint": "http://127.0.0.1:9/push", "keys": {"p256dh": "AA", "auth": "AA"}}
    push = admin("POST", "/v1/push-subscriptions", subscription).json()
    run = admin("POST", "/v1/messages", {"to": "+447700900968", "text": "Ours", "plan": [{}]}).json()
    admin.policy("outage")
    drill = admin("POST", "/v1/drills", {"connectors": ["sandbox"], "seconds": 5}).json()
    return {
        "run": run["id"],
        "push": push["id"],
        "audience": "ours",
        "drill": drill["id"],
        "campaign": "ours",
        "message": sent["data"][0]["id"],
        "batch": sent["batch_id"],
        "endpoint": "ours",
        "delivery": delivery["id"],
        "key": key["id"],
        "user": user["user"]["id"],
        "contact": contact["id"],
        "inbound": inbound["id"],
        "conversation": inbound["conversation"],
        "template": "ours",
        "verification": verification["id"],
        "authenticator": authenticator["id"],
        "number": "+447700900123",
        "account": key["account_sid"],
        "their_account": server.run("keys", "create", "--name", "s", "--workspace", "neighbour")["account_sid"],
        "ve": "VE" + ids.in_hex(*(ids.parse("ver", verification["id"]) or (0, 0))),
        "sid": "SM" + ids.in_hex(*(ids.parse("msg", sent["data"][0]["id"]) or (0, 0))),
    }


def settled(admin: Api) -> dict[str, Any]:
    """The message from a phone, once it has its conversation."""
    end = time.monotonic() + 10
    while True:
        found: list[dict[str, Any]] = admin("GET", "/v1/inbound?from=%2B447700900967").json()["data"]
        if found and found[0]["conversation"]:
            return found[0]
        assert time.monotonic() < end
        time.sleep(0.02)


DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/messages/{message}", None),
    ("GET", "/v1/messages/{message}/events", None),
    ("GET", "/v1/messages/{message}/links", None),
    ("POST", "/v1/messages/{message}/cancel", None),
    ("PATCH", "/v1/messages/{message}", {"text": "Theirs"}),
    ("POST", "/v1/messages/{message}/conversion", {"kind": "verified"}),
    ("GET", "/v1/batches/{batch}", None),
    ("POST", "/v1/batches/{batch}/cancel", None),
    ("GET", "/v1/endpoints/{endpoint}", None),
    ("DELETE", "/v1/endpoints/{endpoint}", None),
    ("POST", "/v1/endpoints/{endpoint}/enable", None),
    ("POST", "/v1/endpoints/{endpoint}/rotate", None),
    ("POST", "/v1/endpoints/{endpoint}/retire", None),
    ("POST", "/v1/endpoints/{endpoint}/test", None),
    ("POST", "/v1/endpoints/{endpoint}/replay", {"since": "2020-01-01T00:00:00Z"}),
    ("GET", "/v1/endpoints/{endpoint}/deliveries", None),
    ("GET", "/v1/deliveries/{delivery}", None),
    ("DELETE", "/v1/cooldowns/{number}", None),
    ("POST", "/v1/deliveries/{delivery}/replay", None),
    ("GET", "/v1/inbound/{inbound}", None),
    ("GET", "/v1/conversations/{conversation}", None),
    ("POST", "/v1/conversations/{conversation}/reply", {"text": "Theirs"}),
    ("POST", "/v1/conversations/{conversation}/assign", {"agent": "theirs"}),
    ("POST", "/v1/conversations/{conversation}/notes", {"text": "Theirs"}),
    ("POST", "/v1/conversations/{conversation}/tags", {"add": ["theirs"]}),
    ("POST", "/v1/conversations/{conversation}/close", None),
    ("POST", "/v1/conversations/{conversation}/open", None),
    ("GET", "/v1/drills/{drill}", None),
    ("GET", "/v1/verifications/{verification}", None),
    ("POST", "/v1/verifications/{verification}/resend", {}),
    ("POST", "/v1/verifications/{verification}/cancel", None),
    ("GET", "/v1/authenticators/{authenticator}", None),
    ("DELETE", "/v1/authenticators/{authenticator}", None),
    ("GET", "/v1/push-subscriptions/{push}", None),
    ("DELETE", "/v1/push-subscriptions/{push}", None),
    ("GET", "/v1/plans/runs/{run}", None),
    ("POST", "/v1/plans/runs/{run}/cancel", None),
    ("GET", "/v1/audiences/{audience}", None),
    ("GET", "/v1/audiences/{audience}/faults", None),
    ("DELETE", "/v1/audiences/{audience}", None),
    ("GET", "/v1/campaigns/{campaign}", None),
    ("GET", "/v1/campaigns/{campaign}/progress", None),
    ("DELETE", "/v1/campaigns/{campaign}", None),
    ("POST", "/v1/campaigns/{campaign}/test", {"to": ["+447700900968"]}),
    ("POST", "/v1/campaigns/{campaign}/approve", None),
    ("POST", "/v1/campaigns/{campaign}/start", {}),
    ("POST", "/v1/campaigns/{campaign}/pause", None),
    ("POST", "/v1/campaigns/{campaign}/resume", None),
    ("POST", "/v1/campaigns/{campaign}/stop", None),
]
_TWILIO = "/2010-04-01/Accounts/{account}/Messages"
DROPIN_DOORS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", _TWILIO + "/{sid}.json", {}),
    ("POST", _TWILIO + "/{sid}.json", {"Status": "canceled"}),
    ("DELETE", _TWILIO + "/{sid}.json", {}),
    ("GET", "/message/{message}", {}),
    ("GET", "/campaigns/{batch}", {}),
    ("GET", "/v2/Services/VA1/Verifications/{ve}", {}),
    ("POST", "/v2/Services/VA1/Verifications/{ve}", {"Status": "canceled"}),
    ("POST", "/v2/Services/VA1/VerificationCheck", {"To": "+447700900968", "Code": "123456"}),
]
ACCOUNT_DOORS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", _TWILIO + ".json", {}),
    ("POST", _TWILIO + ".json", {"To": "+447700900123", "Body": "Theirs"}),
]
WORKSPACE_DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/keys/{key}", None),
    ("GET", "/v1/contacts/{contact}", None),
    ("PATCH", "/v1/contacts/{contact}", {"name": "Theirs"}),
    ("POST", "/v1/keys/{key}/rotate", {}),
    ("POST", "/v1/keys/{key}/revoke", None),
    ("DELETE", "/v1/declared/connector/quick", None),
    ("PATCH", "/v1/environments/staging", {"allowlist": []}),
    ("GET", "/v1/connectors/quick/recording", None),
    ("GET", "/v1/connectors/quick/balance", None),
    ("GET", "/v1/connectors/quick/opt-outs", None),
    ("GET", "/v1/templates/{template}", None),
    ("DELETE", "/v1/templates/{template}", None),
    ("POST", "/v1/templates/{template}/preview", {}),
    ("POST", "/v1/templates/{template}/submit", {}),
    ("POST", "/v1/templates/{template}/approve", {}),
    ("POST", "/v1/templates/{template}/retire", {}),
    ("GET", "/v1/users/{user}", None),
    ("PUT", "/v1/users/{user}/roles", {"roles": {"test": ["owner"]}}),
    ("POST", "/v1/users/{user}/disable", None),
    ("POST", "/v1/users/{user}/enable", None),
    ("POST", "/v1/users/{user}/reset-password", None),
    ("POST", "/v1/users/{user}/reset-second-factor", None),
    ("GET", "/v1/users/{user}/sessions", None),
    ("DELETE", "/v1/users/{user}/sessions", None),
]


def test_every_door_to_a_thing_is_tried() -> None:
    def shape(method: str, path: str) -> tuple[str, str]:
        return method, re.sub(r"\{\w+\}|connector/quick|quick|staging|VA1", "*", path).replace("*/*", "*")

    doors = (*DOORS, *WORKSPACE_DOORS, *DROPIN_DOORS, *ACCOUNT_DOORS)
    tried = {shape(method, path) for method, path, _ in doors}
    # What is known of a number is no secret of a workspace's id: asked elsewhere it is empty.
    # Sessions: test_users tries it. PUT of a template writes one of one's own; test_templates tries it.
    # Sessions: test_users tries it.
    # Codes: what is not there is as wrong as a wrong code; test_verifications tries it.
    codes = {("POST", "/v1/verifications/*/check"), ("POST", "/v1/authenticators/*/check")}
    elsewhere = codes | {("GET", "/v1/lookup/*"), ("DELETE", "/v1/sessions/*"), ("GET", "/v1/people/*/export")}
    elsewhere |= {("PUT", "/v1/templates/*"), ("POST", "/v2/Services/*/Verifications")}
    # An export is named by what is in it: everybody has one of each; test_exports looks into them.
    elsewhere |= {("GET", "/v1/exports/*")}
    # Alarms and silences: nothing is wrong here; test_alarms tries each with one that fires.
    elsewhere |= {("GET", "/v1/alarms/*"), ("GET", "/v1/alarms/*/report"), ("POST", "/v1/alarms/*/acknowledge")}
    elsewhere |= {("DELETE", "/v1/silences/*")}
    assert {shape(route.method, route.path) for route in ROUTES if "{" in route.path} - tried == elsewhere


@pytest.mark.parametrize("where", ["another workspace", "another environment"])
@pytest.mark.parametrize(("method", "path", "body"), DOORS)
def test_foreign_ids_are_nowhere(
    others: dict[str, Api], mine: dict[str, str], where: str, method: str, path: str, body: Any
) -> None:
    answer = others[where](method, path.format(**mine), body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize("where", ["another workspace", "another environment"])
@pytest.mark.parametrize(("method", "path", "form"), DROPIN_DOORS)
def test_foreign_ids_are_nowhere_at_drop_in_doors(
    others: dict[str, Api], mine: dict[str, str], where: str, method: str, path: str, form: dict[str, str]
) -> None:
    for account in (mine["account"], mine["their_account"]):
        place = path.format(**mine | {"account": account})
        answer = others[where].session.request(method, others[where].url + place, data=form or None, timeout=20)
        assert (answer.status_code, answer.headers["x-heliograph-code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize(("method", "path", "form"), ACCOUNT_DOORS)
def test_anothers_account_is_nowhere(
    others: dict[str, Api], mine: dict[str, str], method: str, path: str, form: dict[str, str]
) -> None:
    stranger = others["another workspace"]
    answer = stranger.session.request(method, stranger.url + path.format(**mine), data=form or None, timeout=20)
    assert (answer.status_code, answer.headers["x-heliograph-code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize(("method", "path", "body"), WORKSPACE_DOORS)
def test_what_belongs_to_a_workspace_is_nowhere_in_another(
    others: dict[str, Api], mine: dict[str, str], method: str, path: str, body: Any
) -> None:
    answer = others["another workspace"](method, path.format(**mine), body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


def test_nothing_of_ours_was_changed_or_shown(others: dict[str, Api], mine: dict[str, str], admin: Api) -> None:
    assert admin("GET", f"/v1/messages/{mine['message']}").json()["status"] == "scheduled"
    assert admin("GET", f"/v1/keys/{mine['key']}").json()["revoked_at"] is None
    conversation = admin("GET", f"/v1/conversations/{mine['conversation']}").json()
    assert (conversation["state"], conversation["agent"], conversation["tags"]) == ("open", None, [])
    assert [entry["text"] for entry in conversation["timeline"] if entry["text"]] == ["Ours"]
    ours = admin("GET", "/v1/me").json()["key_id"]
    for other in others.values():
        assert ours not in other("GET", "/v1/requests?limit=200").text
        for path in ("/v1/audiences", "/v1/campaigns"):
            assert other("GET", path).json()["data"] == []
        for path in ("/v1/messages", "/v1/endpoints", "/v1/deliveries", "/v1/events"):
            assert mine["message"] not in other("GET", path).text
        for path in ("/v1/inbound", "/v1/conversations", "/v1/conversations?number=%2B447700900967"):
            assert other("GET", path).json()["data"] == []
        assert other("POST", "/v1/messages/states", {"ids": [mine["message"]]}).json()["unknown"] == [mine["message"]]
    assert others["another workspace"]("GET", "/v1/users").json()["data"] == []
    stranger = others["another workspace"]
    assert stranger("GET", "/v1/suppressions").json()["data"] == []
    assert stranger("GET", "/v1/contacts").json()["data"] == []
    assert stranger("GET", "/v1/consents?to=%2B447700900966").json()["data"] == []
    assert others["another workspace"]("GET", "/v1/declared").json()["data"] == []
    assert "quick" not in others["another workspace"]("GET", "/v1/audit").text


def test_only_the_operator_pauses_what_concerns_all(others: dict[str, Api]) -> None:
    for scope, value in (("all", ""), ("connector", "quick"), ("kind", "otp"), ("workspace", "default")):
        answer = others["another workspace"]("PUT", "/v1/pauses", {"scope": scope, "value": value})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_workspace")


def test_only_the_operator_turns_a_network_off(others: dict[str, Api]) -> None:
    answer = others["another workspace"]("POST", "/v1/sandbox/outage", {"connector": "quick", "is_out": True})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_workspace")
