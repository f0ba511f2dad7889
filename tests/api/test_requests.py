"""The request log: what keys asked is there, what it was about is not."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw
import pytest

from tests.process.server import Api, Server

NUMBER, SPELLED, TEXT = "+447700900555", "+44 7700 900 555", "Your parcel waits for you"


@pytest.fixture(scope="module")
def reader(server: Server) -> Api:
    """With a key that reads the log, whose own requests are in it too."""
    return Api(server, server.key("webhooks:read", name="reader"))


def app(server: Server, name: str, *scopes: str, environment: str = "test") -> Api:
    """An application of its own, so that its requests are found by its name."""
    return Api(server, server.key(*scopes or ("messages:send", "messages:read"), name=name, environment=environment))


def logged(reader: Api, count: int = 1, **narrowed: str) -> list[dict[str, Any]]:
    """The newest requests, once so many are written."""
    end = time.monotonic() + 10
    while True:
        answer = reader("GET", "/v1/requests", params={"limit": "200", **narrowed})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        if sum(one["times"] for one in found) >= count:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def rows(server: Server) -> list[tuple[Any, ...]]:
    """The table as it is."""
    ledger = apsw.Connection(str(server.data_dir / "heliograph.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = list(ledger.execute("SELECT * FROM requests"))
    ledger.close()
    return found


def test_a_request_says_who_asked_what_and_what_was_answered(server: Server, reader: Api) -> None:
    shop = app(server, "shop")
    answer = shop(
        *("POST", "/v1/messages", {"to": NUMBER, "text": TEXT}),
        headers={"Idempotency-Key": "order-1", "X-Request-Id": "checkout-17", "User-Agent": "shop/2.1"},
    )
    [found] = logged(reader, client="shop")
    assert found | {"id": "", "at": "", "key_id": "", "took_ms": 0} == {
        "id": "",
        "at": "",
        "key_id": "",
        "key_name": "shop",
        "method": "POST",
        "route": "/v1/messages",
        "path": "/v1/messages",
        "query": [],
        "status": 202,
        "code": None,
        "type": None,
        "errors": [],
        "took_ms": 0,
        "request_id": "checkout-17",
        "user_agent": "shop/2.1",
        "times": 1,
        "bytes_in": len(answer.request.body or b""),
        "bytes_out": len(answer.content),
        "has_idempotency_key": True,
    }
    assert found["id"].startswith("rql_")
    assert logged(reader, client=found["key_id"], request_id="checkout-17") == [found]


def test_what_was_wrong_is_told_by_code_and_field(server: Server, reader: Api) -> None:
    wrong = app(server, "wrong")
    answer = wrong("POST", "/v1/messages", {"to": NUMBER, "txt": TEXT})
    assert answer.status_code == 422
    batch = [{"to": "12", "text": TEXT}, {"to": NUMBER}]
    assert wrong("POST", "/v1/messages/batch", {"messages": batch}).status_code == 422
    several, one = logged(reader, 2, client="wrong", status="4xx")
    assert (one["code"], one["type"]) == ("unknown_field", "/docs/errors#unknown_field")
    assert one["errors"] == [{"pointer": "/txt", "code": "unknown_field"}]
    assert one["request_id"] == answer.headers["X-Request-Id"]
    assert several["code"] == "invalid_request"
    assert [error["pointer"] for error in several["errors"]] == ["/messages/0/to", "/messages/1/text"]


def test_the_usual_mistakes_of_a_first_day_are_there(server: Server, reader: Api) -> None:
    first = app(server, "first day")
    first("POST", "/v1/message", {})
    first("PUT", "/v1/messages", {})
    first("GET", "/v1/endpoints")
    first("GET", "/v1/messages/msg_01m7zh2srye00bp55rfwv4x3ea")
    found = logged(reader, 4, client="first day")[::-1]
    assert [(one["status"], one["route"], one["path"]) for one in found] == [
        (404, None, "/v1/message"),
        (405, None, "/v1/messages"),
        (403, "/v1/endpoints", "/v1/endpoints"),
        (404, "/v1/messages/{id}", "/v1/messages/msg_01m7zh2srye00bp55rfwv4x3ea"),
    ]


@pytest.fixture(scope="module")
def nosy(server: Server, reader: Api) -> Iterator[list[tuple[Any, ...]]]:
    """Everything that a caller can say, with a number and a text in it, said in every place."""
    key = app(server, "nosy", "admin")
    heads = {"Idempotency-Key": f"for {NUMBER}", "X-Request-Id": f"call-{NUMBER[1:]}", "User-Agent": f"app {NUMBER}"}
    key("POST", "/v1/messages", {"to": NUMBER, "text": TEXT}, headers=heads)
    key("POST", "/v1/messages", {"to": SPELLED, "text": TEXT, "tags": [TEXT]})
    key("POST", "/v1/messages", {"to": NUMBER, TEXT: 1, NUMBER: 2})
    key("POST", "/v1/messages", {NUMBER: 2})
    key("POST", "/v1/messages/batch", {"messages": [{"to": NUMBER, "text": TEXT}, {"to": NUMBER, NUMBER: TEXT}]})
    key("GET", "/v1/messages", params={"to": NUMBER, "tag": TEXT})
    key("GET", "/v1/messages", params={NUMBER: "1", TEXT: "2"})
    key("GET", f"/v1/lookup/{NUMBER}")
    key("GET", f"/v1/people/{NUMBER}/export")
    key("GET", "/v1/people/ada@example.com/export")
    key("DELETE", f"/v1/cooldowns/{NUMBER}")
    key("GET", f"/v1/{NUMBER}/{TEXT}")
    key("GET", f"/v1/messages/{TEXT}")
    key("POST", "/sms/send", {"to": NUMBER, "message": TEXT})
    key("POST", "/v1/verifications", {"to": NUMBER})
    logged(reader, 15, client="nosy")
    yield rows(server)


@pytest.mark.parametrize("secret", [NUMBER, NUMBER[1:], "900555", "900 555", TEXT, "parcel", "ada@", "order-1", "hg_"])
def test_no_number_text_or_secret_of_a_caller_is_kept(nosy: list[tuple[Any, ...]], secret: str) -> None:
    assert [row for row in nosy if secret in repr(row)] == []


def test_names_of_parameters_are_kept_without_their_values(nosy: list[tuple[Any, ...]], reader: Api) -> None:
    asked = [one["query"] for one in logged(reader, client="nosy", path="/v1/messages", method="get")]
    assert ["to", "tag"] in asked
    assert ["…"] in asked
    assert logged(reader, client="nosy", path="/v1/lookup/")[0]["path"] == "/v1/lookup/…"


def test_many_good_answers_are_a_few_lines_and_a_number(server: Server, reader: Api) -> None:
    busy, sends = app(server, "busy"), 60
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: busy.send(NUMBER, TEXT), range(sends)))
    found = logged(reader, sends, client="busy")
    assert sum(one["times"] for one in found) == sends
    assert len(found) < sends


def test_every_refusal_has_its_line(server: Server, reader: Api) -> None:
    failing = app(server, "failing")
    for _ in range(20):
        failing("POST", "/v1/messages", {"to": "nobody", "text": TEXT})
    assert [one["times"] for one in logged(reader, 20, client="failing")] == [1] * 20


def test_pages_follow_each_other(reader: Api, server: Server) -> None:
    paged = app(server, "paged")
    for name in "abc":
        paged("GET", f"/v1/nothing/{name}")
    whole = logged(reader, 3, client="paged")
    first = reader("GET", "/v1/requests", params={"client": "paged", "limit": "2"}).json()
    rest = reader("GET", "/v1/requests", params={"client": "paged", "limit": "2", "cursor": first["next_cursor"]})
    assert [*first["data"], *rest.json()["data"]] == whole
    assert rest.json()["next_cursor"] is None
    since = {"client": "paged", "since": whole[0]["at"]}
    assert whole[0] in reader("GET", "/v1/requests", params=since).json()["data"]
    until = {"client": "paged", "until": whole[-1]["at"]}
    assert reader("GET", "/v1/requests", params=until).json()["data"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"status": "many"}, "/status"),
        ({"status": "6xx"}, "/status"),
        ({"cursor": "msg_01m7zh2srye00bp55rfwv4x3ea"}, "/cursor"),
        ({"since": "yesterday"}, "/since"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_question_that_can_not_be_read_names_its_field(reader: Api, asked: dict[str, str], pointer: str) -> None:
    answer = reader("GET", "/v1/requests", params=asked)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_the_log_is_for_who_may_see_webhooks(server: Server) -> None:
    assert app(server, "sender")("GET", "/v1/requests").status_code == 403


def test_nobody_reads_of_another_environment_or_workspace(server: Server, reader: Api) -> None:
    server.run("workspaces", "create", "next-door")
    live = app(server, "mine alone", "webhooks:read", environment="live")
    live("GET", "/v1/me")
    theirs = Api(server, server.key("webhooks:read", workspace="next-door", name="theirs"))
    theirs("GET", "/v1/me")
    assert {one["key_name"] for one in logged(live)} == {"mine alone"}
    assert {one["key_name"] for one in logged(theirs)} == {"theirs"}
    assert not {"mine alone", "theirs"} & {one["key_name"] for one in logged(reader)}


def test_a_key_that_is_no_longer_good_shows_up_in_its_owners_log(server: Server, reader: Api, admin: Api) -> None:
    """Why did it stop? Whoever sends the right secret of an ended key is no stranger."""
    made = admin("POST", "/v1/keys", {"name": "ended", "environment": "test"}).json()
    ended = Api(server, made["key"])
    ended.send()
    assert admin("POST", f"/v1/keys/{made['id']}/revoke").status_code == 200
    asked = (("POST", "/v1/messages"), ("GET", "/v1/messages"), ("GET", "/v1/nowhere"))
    codes = [ended(method, path, {}).json()["code"] for method, path in asked]
    assert codes == ["key_revoked", "key_revoked", "not_found"]
    assert [one["code"] for one in logged(reader, 4, client="ended")] == [*codes[::-1], None]
    far = admin("POST", "/v1/keys", {"name": "far", "environment": "test", "ip_allowlist": ["203.0.113.0/24"]}).json()
    Api(server, far["key"])("GET", "/v1/me")
    assert [one["code"] for one in logged(reader, client="far")] == ["ip_not_allowed"]
    guess = Api(server, made["key"][:-8] + "aaaaaaaa")
    guess("GET", "/v1/guesses")
    assert "guesses" not in repr(rows(server))


def test_who_has_no_key_is_in_nobodys_log(server: Server) -> None:
    stranger = Api(server, "hg_test_nobody")
    for path in ("/v1/strangers", "/v1/messages", "/healthz"):
        stranger("GET", path)
    logged(app(server, "after", "webhooks:read"), client="after")
    assert "strangers" not in repr(rows(server))
    strangers = {"missing_credentials", "malformed_credentials", "invalid_credentials"}
    assert not strangers & {row[10] for row in rows(server)}
