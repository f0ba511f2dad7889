"""A person's data over HTTP: shown, erased, and not touched by who may not."""

import json
import time

import pytest

from tests.process.server import Api, Server

ANNA = "+447700900777"


@pytest.fixture(scope="module")
def people(server: Server) -> Api:
    return Api(server, server.key("messages:send", "messages:read", "consent:manage", "exports:read"))


def erased(api: Api, number: str) -> dict[str, object]:
    """Carriers may have a message in hand for a moment."""
    for _ in range(100):
        answer = api("POST", "/v1/people/erase", {"number": number, "reason": "asked by mail"})
        if answer.status_code != 409:
            break
        assert answer.json()["code"] == "still_sending"
        time.sleep(0.05)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_person_is_shown_all_and_then_erased(people: Api, admin: Api, server: Server) -> None:
    sent = people.send(ANNA, "Dear Anna", tags=["vip"], metadata={"name": "Anna"})
    people.until(sent["id"], "delivered")
    people("POST", "/v1/consents", {"to": ANNA, "action": "opt_out"})
    known = people("GET", f"/v1/people/{ANNA}/export").json()
    assert [message["text"] for message in known["messages"]] == ["Dear Anna"]
    assert {"message.accepted", "message.delivered"} <= {event["type"] for event in known["events"]}
    assert (known["is_suppressed"], [c["action"] for c in known["consents"]]) == (True, ["opt_out"])
    done = erased(people, ANNA)
    assert (done["messages"], done["is_suppressed"]) == (1, True)
    shown = people("GET", f"/v1/messages/{sent['id']}").json()
    assert (shown["text"], shown["metadata"], shown["status"]) == (None, None, "delivered")
    assert shown["to"].startswith("erased:")
    assert people("GET", f"/v1/people/{ANNA}/export").json()["messages"] == []
    refused = people("POST", "/v1/messages", {"to": ANNA, "text": "Hello again"})
    assert refused.json()["code"] == "opted_out"
    assert server.run("audit", "verify")["intact"] is True


def test_after_an_opt_in_an_erased_person_is_texted_again(people: Api, server: Server) -> None:
    number = "+447700900778"
    people("POST", "/v1/consents", {"to": number, "action": "opt_out"})
    erased(people, number)
    assert people("POST", "/v1/messages", {"to": number, "text": "Hello"}).status_code == 422
    people("POST", "/v1/consents", {"to": number, "action": "opt_in"})
    assert people("POST", "/v1/messages", {"to": number, "text": "Hello"}).status_code == 422, "a test is no yes"
    real = Api(server, server.key("consent:manage", environment="live"))
    real("POST", "/v1/consents", {"to": number, "action": "opt_in"})
    assert people("POST", "/v1/messages", {"to": number, "text": "Hello"}).status_code == 202


def test_the_journal_is_followed_for_what_was_there_before_it(people: Api, server: Server, admin: Api) -> None:
    number = "+447700900779"
    people.until(people.send(number)["id"], "delivered")
    erased(people, number)
    journal = people("GET", "/v1/people/erasures").json()["data"]
    assert all(len(entry["hash"]) == 64 and number not in str(entry) for entry in journal)
    assert server.run("erasures", "list")["data"] == journal
    assert admin("GET", "/v1/audit?action=person.erased&limit=1").json()["data"][0]["ip"] == "127.0.0.1"
    people.until(people.send(number, "She came anew")["id"], "delivered")
    file = server.folder / "journal"
    file.write_text("\n".join(json.dumps(entry) for entry in journal))
    assert server.run("erasures", "replay", str(file)) == {"erased": 0}
    known = people("GET", f"/v1/people/{number}/export").json()
    assert [message["text"] for message in known["messages"]] == ["She came anew"]


def test_other_workspaces_are_not_touched(people: Api, server: Server) -> None:
    number = "+447700900776"
    people.until(people.send(number)["id"], "delivered")
    server.run("workspaces", "create", "elsewhere")
    other = Api(server, server.key("admin", workspace="elsewhere"))
    assert other("GET", f"/v1/people/{number}/export").json()["messages"] == []
    assert erased(other, number)["messages"] == 0
    assert len(people("GET", f"/v1/people/{number}/export").json()["messages"]) == 1


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("exports:read", "POST", "/v1/people/erase", {"number": ANNA}),
        ("exports:read", "GET", "/v1/people/erasures", None),
        ("consent:manage", "GET", f"/v1/people/{ANNA}/export", None),
    ],
)
def test_each_door_has_its_scope(server: Server, scope: str, method: str, path: str, body: object) -> None:
    answer = Api(server, server.key(scope))(method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_a_number_that_is_none_is_refused(people: Api) -> None:
    assert people("POST", "/v1/people/erase", {"number": "nobody"}).json()["errors"][0]["pointer"] == "/number"
    assert people("GET", "/v1/people/nobody/export").status_code == 404
