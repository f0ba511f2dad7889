"""People text back STOP, START and HELP, and are obeyed at once."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from heliograph.core.message import Inbound
from heliograph.engine.people.keywords import KeywordDesk
from heliograph.engine.policies import Keywords
from tests.process.server import Api, Server
from tests.process.sink import Sink

NUMBERS = iter(range(447700902000, 447700902999))
SHORT = "60606"  # the number of ours that they answer

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[connectors.polite]
kind = "sandbox"
provider_handles_opt_out = true
[[routes]]
name = "all"
via = ["quick"]
[senders.60606]
type = "short_code"
two_way = true
[senders.Acme]
type = "alphanumeric"
[policies.consent]
brand = "Acme"
contact = "help@acme.example"
[policies.keywords]
languages = ["es"]
topics = ["news"]
[[policies.keywords.keywords]]
words = ["PIZZA"]
flow = "order"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("keywords"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def all_rights(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


@pytest.fixture
def number() -> str:
    return f"+{next(NUMBERS)}"


def text(api: Api, number: str, words: str, connector: str = "quick", to: str = SHORT) -> None:
    body = {"from": number, "to": to, "text": words, "connector": connector}
    assert api("POST", "/v1/sandbox/inbound", body).status_code == 202


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def record(api: Api, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", f"/v1/consents?to=%2B{number[1:]}").json()["data"]
    return found


def answers(api: Api, number: str) -> list[str]:
    found = api("GET", f"/v1/messages?to=%2B{number[1:]}").json()["data"]
    return [one["text"] for one in reversed(found)]


def send(api: Api, number: str, **more: Any) -> str:
    answer = api("POST", "/v1/messages", {"to": number, "text": "Hello", "sender": SHORT, **more})
    return "yes" if answer.status_code == 202 else str(answer.json()["code"])


def test_a_stop_is_obeyed_and_confirmed_once(all_rights: Api, number: str) -> None:
    text(all_rights, number, "Stop.")
    assert until(lambda: answers(all_rights, number))
    assert send(all_rights, number) == "opted_out"
    entry = record(all_rights, number)[0]
    assert (entry["action"], entry["scope"], entry["source"], entry["text"]) == ("opt_out", "*", "keyword", "Stop.")
    text(all_rights, number, "STOP")
    until(lambda: len(record(all_rights, number)) == 2)
    time.sleep(0.3)
    confirmations = answers(all_rights, number)
    assert len(confirmations) == 1 and "Acme" in confirmations[0], "once, never more"


def test_who_comes_back_is_welcome(all_rights: Api, number: str) -> None:
    text(all_rights, number, "STOP")
    until(lambda: send(all_rights, number) == "opted_out")
    text(all_rights, number, "start")
    until(lambda: send(all_rights, number) == "yes")
    assert [entry["action"] for entry in record(all_rights, number)] == ["opt_out", "opt_in"]


def test_a_yes_of_somebody_who_was_not_asked_means_something_else(all_rights: Api, number: str) -> None:
    text(all_rights, number, "YES")
    text(all_rights, number, "HELP")
    until(lambda: record(all_rights, number))
    assert [entry["action"] for entry in record(all_rights, number)] == ["help"]


def test_a_welcome_is_said_once_or_two_machines_would_greet_each_other_for_ever(all_rights: Api, number: str) -> None:
    for words in ("STOP", "START", "START", "START"):
        text(all_rights, number, words)
    until(lambda: len(record(all_rights, number)) == 4)
    time.sleep(0.5)
    assert len(answers(all_rights, number)) == 2, "one goodbye, one welcome"


@pytest.mark.parametrize(
    ("sender", "to", "person"),
    [
        ("07911123456", "+447700900100", "+447911123456"),
        ("+447911123456", SHORT, "+447911123456"),
        ("447911123456", SHORT, "+447911123456"),
        ("Acme", SHORT, "Acme"),
    ],
)
def test_whoever_texts_is_known_by_their_number_in_whatever_form_it_comes(sender: str, to: str, person: str) -> None:
    assert keywords_of(sender, to).person == person


def keywords_of(sender: str, to: str) -> Any:
    realm: Any = SimpleNamespace(policies=SimpleNamespace(keywords=Keywords()))
    return KeywordDesk(None, None, None, None).hear(Inbound("quick", sender, to, "STOP", 0), realm)  # type: ignore[arg-type]


def test_help_names_the_program_and_a_contact_but_not_again_and_again(all_rights: Api, number: str) -> None:
    text(all_rights, number, "HELP")
    answer = until(lambda: answers(all_rights, number))
    assert "Acme" in answer[0] and "help@acme.example" in answer[0]
    text(all_rights, number, "info")
    time.sleep(0.5)
    assert len(answers(all_rights, number)) == 1


def test_the_answer_is_in_the_language_of_the_question(all_rights: Api, number: str) -> None:
    text(all_rights, number, "Alto")
    text(all_rights, number, "BAJA")
    assert "Acme" in until(lambda: answers(all_rights, number))[0]
    assert record(all_rights, number)[0]["language"] == "es"


def test_what_may_be_a_no_waits_for_review_and_nobody_is_told_that_it_is_done(all_rights: Api, number: str) -> None:
    text(all_rights, number, "maybe you could stop sending me so many of these?")
    until(lambda: record(all_rights, number))
    assert record(all_rights, number)[0]["action"] in ("doubt", "opt_out")
    if record(all_rights, number)[0]["action"] == "doubt":
        assert send(all_rights, number, kind="promotional") == "consent_in_review"
        assert send(all_rights, number) == "yes"
        assert answers(all_rights, number) == ["Hello"]


def test_ordinary_words_are_no_stop(all_rights: Api, number: str) -> None:
    text(all_rights, number, "please stop by at 5")
    text(all_rights, number, "HELP")
    until(lambda: record(all_rights, number))
    assert [entry["action"] for entry in record(all_rights, number)] == ["help"]


def test_a_topic_can_be_stopped_by_its_name(all_rights: Api, number: str) -> None:
    text(all_rights, number, "stop news")
    until(lambda: record(all_rights, number))
    assert record(all_rights, number)[0]["scope"] == "topic:news"
    assert send(all_rights, number) == "yes"
    assert send(all_rights, number, topic="news") == "opted_out"


def test_where_the_provider_answers_we_only_obey(all_rights: Api, number: str) -> None:
    text(all_rights, number, "STOP", connector="polite")
    until(lambda: record(all_rights, number))
    time.sleep(0.3)
    assert send(all_rights, number) == "opted_out"
    assert answers(all_rights, number) == []


def test_a_stop_counts_for_every_workspace_that_texted_from_that_number(
    all_rights: Api, server: Server, number: str
) -> None:
    made = all_rights("POST", "/v1/workspaces", {"name": "tenant"}).json()["admin_key"]["key"]
    theirs = Api(server, made)
    theirs("POST", "/v1/apply", {"document": {"senders": {SHORT: {"type": "short_code"}}}})
    other = Api(server, server.key("admin", environment="live", workspace="tenant"))
    assert send(other, number) == "yes"
    text(all_rights, number, "STOP")
    until(lambda: send(other, number) == "opted_out")


def test_webhooks_hear_what_a_message_wanted(all_rights: Api, number: str) -> None:
    with Sink() as sink:
        endpoint = {"name": "inbound", "url": sink.url, "events": ["inbound.received", "contact.opted_out"]}
        assert all_rights("POST", "/v1/endpoints", endpoint).status_code == 201
        text(all_rights, number, "STOP")
        text(all_rights, number, "Pizza")
        until(lambda: len(sink.heard) >= 3)
        bodies = [heard.event for heard in sink.heard]
        received = {body["data"]["text"]: body["data"] for body in bodies if body["type"] == "inbound.received"}
        assert received["STOP"]["opt_out"] is True
        assert received["STOP"]["keyword"]["action"] == "opt_out"
        assert received["Pizza"]["flow"] == "order"
        assert [body["data"]["number"] for body in bodies if body["type"] == "contact.opted_out"] == [number]
        all_rights("DELETE", "/v1/endpoints/inbound")


def test_stop_can_not_be_given_another_meaning(all_rights: Api) -> None:
    policy = {"policies": {"keywords": {"keywords": [{"words": ["CANCEL"], "flow": "appointments"}]}}}
    answer = all_rights("POST", "/v1/apply", {"document": policy})
    assert (answer.status_code, answer.json()["code"]) == (422, "reserved_keyword"), answer.text


def test_a_phone_of_the_sandbox_is_heard_in_the_environment_of_the_key_and_nowhere_else(server: Server) -> None:
    """The number is declared in live: a test key must not write down what a person said there."""
    test, live = (Api(server, server.key("admin", environment=name)) for name in ("test", "live"))
    phones = {"+447700903801": test, "+447700903802": live}
    for phone, api in phones.items():
        text(api, phone, "hello there")
    for phone, api in phones.items():
        until(lambda api=api, phone=phone: phone in _heard(api))  # type: ignore[misc]
    assert "+447700903801" not in _heard(live) and "+447700903802" not in _heard(test)


def _heard(api: Api) -> list[str]:
    return [one["from"] for one in api("GET", "/v1/inbound").json()["data"]]
