"""Short links over HTTP: in texts, followed, counted, told, gone."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server
from tests.process.sink import Sink

URL = "https://shop.example/spring?customer=42"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
HOST = "go.example.com"


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Api]:
    server.run("workspaces", "create", "linked")
    api = Api(server, server.key("admin", workspace="linked"))
    answer = api.policy("links", domain=f"https://{HOST}", kinds=["support"])
    assert answer.status_code == 200, answer.text
    yield api


def send(api: Api, **more: Any) -> dict[str, Any]:
    sent = api.send(**{"to": "+447700900141", "text": f"Look: {URL}", "kind": "support", **more})
    return api.until(sent["id"], "delivered")


def token_in(message: dict[str, Any]) -> str:
    found = re.search(rf"https://{HOST}/(\w{{11}})", message["text"])
    assert found, message["text"]
    return found[1]


def follow(api: Api, path: str, *, agent: str = IPHONE, host: str | None = None, **more: Any) -> requests.Response:
    headers = {"User-Agent": agent, **({"Host": host} if host else {}), **more.pop("headers", {})}
    method = more.pop("method", "GET")
    return requests.request(method, api.url + path, headers=headers, allow_redirects=False, timeout=10, **more)


def links(api: Api, message: dict[str, Any], people: int, bots: int = 0) -> dict[str, Any]:
    """The message's link, once so many clicks have been written."""
    end = time.monotonic() + 10
    while True:
        [link] = api("GET", f"/v1/messages/{message['id']}/links").json()["data"]
        if (link["clicks"], link["bot_clicks"]) == (people, bots):
            return dict(link)
        assert time.monotonic() < end, link
        time.sleep(0.02)


def test_an_address_in_a_text_becomes_a_short_link(shop: Api) -> None:
    message = send(shop)
    assert message["text"] == f"Look: https://{HOST}/{token_in(message)}"
    link = links(shop, message, 0)
    assert (link["token"], link["url"], link["last_clicks"]) == (token_in(message), URL, [])


def test_segments_are_those_of_the_text_that_leaves(shop: Api) -> None:
    assert send(shop, text=f"{'https://shop.example/' + 'x' * 150} Hello")["segments"] == 1


def test_every_recipient_has_a_token_of_their_own(shop: Api) -> None:
    messages = [{"to": f"+4477009001{place:02d}", "text": URL, "kind": "support"} for place in range(50)]
    data = shop("POST", "/v1/messages/batch", {"messages": messages}).json()["data"]
    tokens = {shop("GET", f"/v1/messages/{one['id']}/links").json()["data"][0]["token"] for one in data}
    assert len(tokens) == 50


def test_a_batch_of_ten_thousand_has_a_link_for_each(shop: Api) -> None:
    messages = [{"to": f"+44740{place:07d}", "text": f"{URL}&n={place}"} for place in range(10_000)]
    body = {"messages": messages, "defaults": {"kind": "support", "send_at": "2027-06-01T12:00:00Z"}}
    data = shop("POST", "/v1/messages/batch", body).json()["data"]
    assert len(data) == 10_000 and all("id" in one for one in data)
    for place in (0, 5_000, 9_999):
        [link] = shop("GET", f"/v1/messages/{data[place]['id']}/links").json()["data"]
        assert follow(shop, f"/l/{link['token']}").headers["location"] == f"{URL}&n={place}"


@pytest.mark.parametrize(
    ("path", "host"), [("/l/{token}", None), ("/{token}", HOST), ("/l/{token}", HOST)], ids=["path", "host", "both"]
)
def test_a_link_leads_on(shop: Api, path: str, host: str | None) -> None:
    message = send(shop)
    answer = follow(shop, path.format(token=token_in(message)), host=host)
    assert (answer.status_code, answer.headers["location"]) == (302, URL)
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    link = links(shop, message, 1)
    assert [(click["agent"], click["bot"]) for click in link["last_clicks"]] == [("ios", None)]


def test_programs_are_led_on_and_counted_apart(shop: Api) -> None:
    message = send(shop)
    path = f"/l/{token_in(message)}"
    answers = [
        follow(shop, path, method="HEAD"),
        follow(shop, path, agent="facebookexternalhit/1.1"),
        follow(shop, path, headers={"Sec-Purpose": "prefetch"}),
        follow(shop, path, agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0"),
    ]
    assert {answer.status_code for answer in answers} == {302}
    link = links(shop, message, 0, 4)
    assert {click["bot"] for click in link["last_clicks"]} == {"head", "program", "prefetch", "too_soon"}


def test_a_click_is_told_and_proves_that_the_message_arrived(shop: Api, sink: Sink) -> None:
    shop("POST", "/v1/endpoints", {"name": "clicks", "url": sink.url, "events": ["link.clicked"]})
    try:
        message = send(shop, tags=["spring"], correlation_id="order-7")
        follow(shop, f"/l/{token_in(message)}", agent="curl/8")
        follow(shop, f"/l/{token_in(message)}")
        [heard] = sink.until(lambda heard: len(heard) >= 1)
        assert heard.event["type"] == "link.clicked"
        assert heard.event["data"] == {
            "message_id": message["id"],
            "to": "+447700900141",
            "url": URL,
            "agent": "ios",
            "clicks": 1,
            "tags": ["spring"],
            "correlation_id": "order-7",
        }
    finally:
        shop("DELETE", "/v1/endpoints/clicks")
    at = "2020-01-01T00:00:00Z"
    refused = shop("POST", f"/v1/messages/{message['id']}/conversion", {"kind": "clicked", "at": at})
    assert refused.status_code == 422
    kept = shop("POST", f"/v1/messages/{message['id']}/conversion", {"kind": "clicked"}).json()
    assert kept["at"] <= links(shop, message, 1, 1)["last_clicks"][0]["at"], "the click had been kept as one"


def test_what_is_no_link_of_ours_leads_nowhere(shop: Api) -> None:
    for path in ("/l/00000000000", "/l/short", f"/l/{URL}", "/l/"):
        answer = follow(shop, path)
        assert (answer.status_code, "location" in answer.headers) == (404, False), path
    assert follow(shop, "/00000000000", host="elsewhere.example").status_code == 404
    assert follow(shop, "/l/00000000000", method="POST").status_code == 405


def test_a_workspaces_domain_leads_to_its_own_links_only(server: Server, shop: Api) -> None:
    server.run("workspaces", "create", "linked-too")
    other = Api(server, server.key("admin", workspace="linked-too"))
    assert other.policy("links", domain="https://other.example", kinds=["support"]).status_code == 200
    token = token_in(send(shop))
    assert follow(shop, f"/{token}", host="other.example").status_code == 404
    assert follow(shop, f"/l/{token}", host="other.example").status_code == 404
    assert follow(shop, f"/{token}", host=HOST).status_code == 302


def test_a_text_that_takes_anothers_place_has_links_too(shop: Api) -> None:
    sent = shop.send(text="Nothing yet", kind="support", send_at="2027-06-01T12:00:00Z")
    assert shop("PATCH", f"/v1/messages/{sent['id']}", {"text": f"Now {URL}"}).status_code == 200
    message = shop("GET", f"/v1/messages/{sent['id']}").json()
    assert follow(shop, f"/l/{token_in(message)}").headers["location"] == URL


@pytest.mark.parametrize(
    ("body", "is_short"),
    [
        ({"kind": "support"}, True),
        ({"kind": "transactional"}, False),
        ({"kind": "transactional", "shorten_links": True}, True),
        ({"kind": "support", "shorten_links": False}, False),
        ({"kind": "otp"}, False),
    ],
)
def test_which_messages_get_short_links(shop: Api, body: dict[str, Any], is_short: bool) -> None:
    answer = shop("POST", "/v1/messages", {"to": "+447700900142", "text": URL, "dry_run": True, **body}).json()
    assert (answer["text"] != URL) == is_short


def test_short_links_are_off_until_they_are_declared(shop: Api, admin: Api) -> None:
    body = {"to": "+447700900142", "text": URL, "kind": "promotional", "dry_run": True}
    assert admin("POST", "/v1/messages", body).json()["text"] == URL
    asked = {**body, "kind": "support", "shorten_links": True}
    for api, kind in ((admin, "support"), (shop, "otp")):
        answer = api("POST", "/v1/messages", {**asked, "kind": kind})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "links_not_possible")
        assert problem["errors"][0]["pointer"] == "/shorten_links"


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"domain": "go.example.com"}, "bad_link_domain"),
        ({"domain": "https://go.example.com/path"}, "bad_link_domain"),
        ({"domain": "https://a@go.example.com"}, "bad_link_domain"),
        ({"domain": "https://go.example.com", "kinds": ["otp"]}, "links_not_possible"),
        ({"domain": "https://go.example.com", "kinds": ["otter"]}, "unknown_kind"),
        ({"kinds": ["support"]}, "bad_link_domain"),
    ],
)
def test_a_wrong_policy_is_refused(shop: Api, policy: dict[str, Any], code: str) -> None:
    answer = shop.policy("links", **policy)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_links_of_whom_was_erased_lead_nowhere(shop: Api) -> None:
    message = send(shop, to="+447700900199")
    path = f"/l/{token_in(message)}"
    assert follow(shop, path).status_code == 302
    links(shop, message, 1)
    known = shop("GET", "/v1/people/+447700900199/export").json()
    assert [(link["url"], link["clicks"]) for link in known["links"]] == [(URL, 1)]
    erased = shop("POST", "/v1/people/erase", {"number": "+447700900199", "reason": "asked"})
    assert erased.status_code == 200, erased.text
    assert follow(shop, path).status_code == 404


def test_who_guesses_tokens_is_slowed_down(tmp_path: Any) -> None:
    with Server(tmp_path) as server:
        api = Api(server, server.key("admin"))
        answers = [follow(api, f"/l/{place:011d}") for place in range(25)]
        assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 5
        assert answers[-1].headers["retry-after"] == "60"
