"""Keys and what they may: made, rotated, revoked, narrowed, limited; workspaces and environments beside them."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from heliograph.api.routes import Route
from heliograph.api.site import ROUTES
from heliograph.engine.clients import ADMIN, SCOPES
from tests.process.server import Api, Server

TEXT = {"to": "+447700900123", "text": "Hello"}


def made(admin: Api, **fields: Any) -> dict[str, Any]:
    answer = admin("POST", "/v1/keys", {"name": "app", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


# -- keys


def test_a_key_is_shown_once_and_works_at_once(server: Server, admin: Api) -> None:
    key = made(admin)
    assert Api(server, key["key"]).send()["status"] in ("queued", "sending", "sent", "delivered")
    shown = admin("GET", f"/v1/keys/{key['id']}")
    assert shown.status_code == 200 and key["key"] not in shown.text and "hash" not in shown.text
    assert key["id"] in [each["id"] for each in admin("GET", "/v1/keys?limit=200").json()["data"]]


def test_keys_are_listed_page_by_page(admin: Api) -> None:
    wanted = {made(admin)["id"] for _ in range(5)}
    found: list[str] = []
    cursor = ""
    while True:
        page = admin("GET", f"/v1/keys?limit=2{cursor and '&cursor='}{cursor}").json()
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"] or ""
        if not cursor:
            break
    assert wanted <= set(found) and len(found) == len(set(found))


def test_a_rotated_key_overlaps_with_its_successor(server: Server, admin: Api) -> None:
    old = made(admin, scopes=["messages:read"])
    new = admin("POST", f"/v1/keys/{old['id']}/rotate", {"overlap": "1h"}).json()
    assert new["replaces"] == old["id"] and new["scopes"] == ["messages:read"]
    for key in (old, new):
        assert Api(server, key["key"])("GET", "/v1/messages").status_code == 200
    newer = admin("POST", f"/v1/keys/{new['id']}/rotate", {"overlap": 0}).json()
    assert code(Api(server, new["key"])("GET", "/v1/messages")) == (401, "credentials_expired")
    assert Api(server, newer["key"])("GET", "/v1/messages").status_code == 200


def test_a_revoked_key_ends_at_once_even_if_it_was_just_used(server: Server, admin: Api) -> None:
    key = made(admin)
    its = Api(server, key["key"])
    its.send()
    assert admin("POST", f"/v1/keys/{key['id']}/revoke").json()["revoked_at"]
    assert code(its("POST", "/v1/messages", TEXT)) == (401, "key_revoked")
    assert code(admin("POST", f"/v1/keys/{key['id']}/rotate", {})) == (409, "key_ended")


def test_a_key_expires_by_the_clock(server: Server, admin: Api) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    its = Api(server, made(admin, expires_at=soon)["key"])
    its.send()
    end = time.monotonic() + 10
    while (answer := its("POST", "/v1/messages", TEXT)).status_code == 202 and time.monotonic() < end:
        time.sleep(0.1)
    assert code(answer) == (401, "credentials_expired")


def test_the_last_use_of_a_key_is_written_down(tmp_path: Any) -> None:
    """At the latest when the server stops."""
    with Server(tmp_path) as server:
        admin = Api(server, server.key("admin"))
        used, unused = made(admin), made(admin)
        Api(server, used["key"]).send()
    with server:
        admin = Api(server, server.key("admin"))
        last = {each["id"]: each["last_used_at"] for each in admin("GET", "/v1/keys").json()["data"]}
    assert last[used["id"]] and last[unused["id"]] is None


# A door that two scopes open is tried in test_prices.py.
DOORS = [route for route in ROUTES if route.scope is not None and route.or_scope is None]


@pytest.mark.parametrize("route", DOORS, ids=[f"{route.method} {route.path}" for route in DOORS])
def test_a_door_stays_closed_to_every_other_scope(others: dict[str, Api], route: Route) -> None:
    assert route.scope is not None
    refused = others[route.scope](route.method, re.sub(r"\{\w+\}", "x", route.path), TEXT)
    if route.shape is not None:  # it speaks as another gateway does; our code stands beside it
        assert refused.headers["x-heliograph-code"] == "missing_scope"
        return
    assert code(refused) == (403, "missing_scope")
    assert refused.json()["detail"].endswith(route.scope)


@pytest.fixture(scope="module")
def others(server: Server, admin: Api) -> dict[str, Api]:
    """Scope → a key with every other scope."""
    return {
        scope: Api(server, made(admin, scopes=[each for each in SCOPES if each not in (scope, ADMIN)])["key"])
        for scope in SCOPES
    }


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("messages:read", "/v1/messages"),
        ("webhooks:read", "/v1/endpoints"),
        ("webhooks:read", "/v1/deliveries"),
        ("admin", "/v1/messages"),
        ("admin", "/v1/audit"),
    ],
)
def test_a_door_opens_to_its_scope_alone(server: Server, admin: Api, scope: str, path: str) -> None:
    assert Api(server, made(admin, scopes=[scope])["key"])("GET", path).status_code == 200


def test_a_key_works_from_its_networks_only(server: Server, admin: Api) -> None:
    here, elsewhere = made(admin, ip_allowlist=["127.0.0.0/8"]), made(admin, ip_allowlist=["10.0.0.0/8"])
    Api(server, here["key"]).send()
    for _ in range(2):  # remembered or not
        assert code(Api(server, elsewhere["key"])("POST", "/v1/messages", TEXT)) == (403, "ip_not_allowed")


# -- access tokens


def token(server: Server, key: dict[str, Any], **form: str) -> requests.Response:
    fields = {"grant_type": "client_credentials", "client_id": key["id"], "client_secret": key["key"]}
    return requests.post(f"{server.url}/oauth/token", data={**fields, **form}, timeout=10)


def test_a_token_may_less_than_its_key_but_never_more(server: Server, admin: Api) -> None:
    key = made(admin)
    narrow = token(server, key, scope="messages:read").json()
    assert narrow["token_type"].lower() == "bearer" and narrow["expires_in"] > 0
    its = Api(server, narrow["access_token"])
    assert its("GET", "/v1/messages").status_code == 200
    assert code(its("POST", "/v1/messages", TEXT)) == (403, "missing_scope")
    wide = token(server, key, scope="admin")
    assert wide.status_code == 400 and wide.json()["error"] == "invalid_scope"


def test_a_token_ends_with_its_key(server: Server, admin: Api) -> None:
    key = made(admin)
    its = Api(server, token(server, key).json()["access_token"])
    its.send()
    admin("POST", f"/v1/keys/{key['id']}/revoke")
    assert its("POST", "/v1/messages", TEXT).status_code == 401


def test_a_token_is_not_given_for_a_wrong_secret(server: Server, admin: Api) -> None:
    refused = token(server, made(admin), client_secret="hg_test_wrong")
    assert refused.status_code == 401 and refused.json()["error"] == "invalid_client"


# -- rates


def test_a_rate_is_kept_and_told_before_it_is_exceeded(server: Server, admin: Api) -> None:
    its = Api(server, made(admin, messages_per_second=3)["key"])
    answers = [its("POST", "/v1/messages", TEXT)]
    while answers[-1].status_code == 202 and len(answers) < 100:
        answers.append(its("POST", "/v1/messages", TEXT))
    first, limited = answers[0], answers[-1]
    assert len(answers) > 3, "three go at once"
    assert all(answer.headers["ratelimit-policy"] == '"client";q=3;w=1' for answer in answers)
    assert first.headers["ratelimit"] == '"client";r=2;t=1'
    assert code(limited) == (429, "rate_limited") and int(limited.headers["retry-after"]) == 1
    time.sleep(int(limited.headers["retry-after"]))
    assert its("POST", "/v1/messages", TEXT).status_code == 202


def test_a_batch_counts_as_many_as_it_holds(server: Server, admin: Api) -> None:
    its = Api(server, made(admin, messages_per_second=10)["key"])
    assert its("POST", "/v1/messages/batch", {"messages": [TEXT] * 100}).status_code == 202, "alone it may be larger"
    refused = its("POST", "/v1/messages/batch", {"messages": [TEXT]})
    assert code(refused) == (429, "rate_limited")
    assert 5 <= int(refused.headers["retry-after"]) <= 10, "and pays for it with its seconds"


def test_who_guesses_keys_is_told_to_wait(tmp_path: Any) -> None:
    with Server(tmp_path) as server:
        key = server.key("messages:read")
        right = Api(server, key)
        assert right("GET", "/v1/messages").status_code == 200
        answers = [Api(server, f"{key[:-6]}{number:06d}")("GET", "/v1/messages") for number in range(200)]
        assert {answer.status_code for answer in answers} == {401, 429}
        assert code(answers[-1]) == (429, "too_many_failures") and int(answers[-1].headers["retry-after"]) == 60
        assert right("GET", "/v1/messages").status_code == 200, "a key that is known goes on working"
        server.key("messages:read")  # a change of the register: everything is asked for again
        time.sleep(2.5)
        assert right("GET", "/v1/messages").status_code == 200, "also when it had to be looked up again"


# -- workspaces and environments


def test_a_workspace_is_made_with_a_key_that_rules_it(server: Server, admin: Api) -> None:
    answer = admin("POST", "/v1/workspaces", {"name": "tenant"})
    assert answer.status_code == 201, answer.text
    theirs = Api(server, answer.json()["admin_key"]["key"])
    me = theirs("GET", "/v1/me").json()
    assert (me["workspace"], me["environment"], me["scopes"]) == ("tenant", "live", ["admin"])
    assert "tenant" in [each["name"] for each in admin("GET", "/v1/workspaces").json()["data"]]
    assert code(admin("POST", "/v1/workspaces", {"name": "tenant"})) == (409, "already_exists")
    assert code(theirs("GET", "/v1/workspaces")) == (403, "foreign_workspace")
    assert code(theirs("POST", "/v1/workspaces", {"name": "mine"})) == (403, "foreign_workspace")
    staging = theirs("POST", "/v1/keys", {"name": "test", "environment": "test"}).json()
    assert Api(server, staging["key"]).send()["status"]


def test_staging_reaches_its_allowlist_over_real_connectors_and_nobody_else(server: Server, admin: Api) -> None:
    friend, stranger = "+447911123456", "+447911123457"
    made_one = admin("POST", "/v1/environments", {"name": "staging", "allowlist": [friend]})
    assert made_one.status_code == 201 and made_one.json()["mode"] == "guarded"
    its = Api(server, server.key("messages:send", "messages:read", environment="staging"))
    sent = its.send(friend)
    assert its.until(sent["id"], "delivered")["connector"] == "quick"
    refused = its("POST", "/v1/messages", {"to": stranger, "text": "Hello"})
    assert code(refused) == (422, "not_on_allowlist") and "/to" in refused.text
    admin("PATCH", "/v1/environments/staging", {"allowlist": [stranger]})
    assert its("POST", "/v1/messages", {"to": stranger, "text": "Hello"}).status_code == 202
    assert its("POST", "/v1/messages", {"to": friend, "text": "Hello"}).status_code == 422
    for other in (admin, Api(server, server.key("admin", environment="live"))):
        assert other("GET", f"/v1/messages/{sent['id']}").status_code == 404


# -- audit


def test_what_was_done_to_keys_stands_in_the_audit_log(admin: Api) -> None:
    key = made(admin)
    admin("POST", f"/v1/keys/{key['id']}/revoke")
    entries = admin("GET", "/v1/audit?limit=50").json()["data"]
    about = [entry for entry in entries if entry["object"] == f"key:{key['id']}"]
    assert [entry["action"] for entry in about] == ["key.revoked", "key.created"]
    assert all(entry["actor"] and entry["at"] for entry in about)
    assert key["key"] not in str(entries)


def test_a_test_key_decides_about_test_keys_only(server: Server, admin: Api) -> None:
    """Or whoever holds it could text the world: a test key reaches nothing live."""
    live = server.run("keys", "create", "--name", "theirs", "--environment", "live")
    for method, path, body in (
        ("POST", "/v1/keys", {"name": "mine", "environment": "live"}),
        ("POST", f"/v1/keys/{live['id']}/rotate", {}),
        ("POST", f"/v1/keys/{live['id']}/revoke", None),
    ):
        answer = admin(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_environment"), answer.text
    assert admin("POST", "/v1/keys", {"name": "mine", "environment": "test"}).status_code == 201
    assert (
        Api(server, server.key("admin", environment="live"))("GET", f"/v1/keys/{live['id']}").json()["revoked_at"]
        is None
    )
