"""Consent as an application records it, and as sending obeys it."""

import csv
import hashlib
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.process.server import Api, Server

NUMBERS = iter(range(447700901000, 447700901999))


@pytest.fixture
def number() -> str:
    return f"+{next(NUMBERS)}"


@pytest.fixture(scope="module")
def people(server: Server) -> Api:
    """With a key that may record consent, in the live environment."""
    return Api(server, server.key("consent:manage", environment="live"))


def say(people: Api, to: str, action: str, **more: Any) -> Any:
    answer = people("POST", "/v1/consents", {"to": to, "action": action, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def send(api: Api, to: str, **more: Any) -> str:
    answer = api("POST", "/v1/messages", {"to": to, "text": "Hello", **more})
    return "yes" if answer.status_code == 202 else str(answer.json()["code"])


def test_promotion_needs_an_opt_in(people: Api, live: Api, number: str) -> None:
    assert send(live, number, kind="promotional") == "no_consent"
    assert send(live, number, kind="transactional") == "yes"
    found = say(
        people, number, "opt_in", purpose="promotional", source="web_form", text="Offers, weekly", ip="192.0.2.1"
    )
    assert found["may_send"]["promotional"] == "yes"
    assert send(live, number, kind="promotional") == "yes"


def test_a_yes_by_a_test_key_lets_no_live_message_go(server: Server, people: Api, live: Api, number: str) -> None:
    trial = Api(server, server.key("consent:manage", "messages:send"))
    offer = {"to": number, "text": "Hello", "kind": "promotional"}
    for action, code in (("opt_in", "no_consent"), ("opt_out", "opted_out"), ("opt_in", "no_consent")):
        said = say(trial, number, action)
        assert said["data"][-1]["is_test"] is True
        assert live("POST", "/v1/messages", offer).json()["code"] == code
    assert trial("POST", "/v1/messages", offer).status_code == 202, "what a test said, a test takes back"
    csv = f"to,action,purpose\n{number},opt_in,promotional\n"
    trial("POST", "/v1/consents/import", {"csv": csv})
    assert live("POST", "/v1/messages", offer).json()["code"] == "no_consent"
    say(people, number, "opt_out")
    say(trial, number, "opt_in")
    assert trial("POST", "/v1/messages", offer).json()["code"] == "opted_out", "it was said in earnest"
    say(people, number, "opt_in")
    assert live("POST", "/v1/messages", offer).status_code == 202


def test_nobody_real_is_reached_by_tests_so_no_opt_in_is_asked_for(api: Api, number: str) -> None:
    assert send(api, number, kind="promotional") == "yes"


def test_a_no_to_a_topic_stops_the_topic(people: Api, live: Api, number: str) -> None:
    say(people, number, "opt_in", purpose="promotional")
    say(people, number, "opt_out", purpose="news")
    assert send(live, number, kind="promotional", topic="news") == "opted_out"
    assert send(live, number, kind="promotional", topic="offers") == "yes"


def test_a_no_to_a_sender_stops_the_sender(people: Api, live: Api, number: str) -> None:
    say(people, number, "opt_out", sender="Acme")
    assert send(live, number, sender="Acme") == "opted_out"


def test_what_may_be_a_no_holds_promotion_until_somebody_has_looked(people: Api, live: Api, number: str) -> None:
    say(people, number, "opt_in", purpose="promotional")
    say(people, number, "doubt", text="maybe less of this")
    assert send(live, number, kind="promotional") == "consent_in_review"
    waiting = people("GET", "/v1/consents/reviews").json()["data"]
    assert {"to": number, "text": "maybe less of this"}.items() <= next(w for w in waiting if w["to"] == number).items()
    say(people, number, "dismissed")
    assert send(live, number, kind="promotional") == "yes"


def test_a_batch_names_those_who_do_not_want_it(people: Api, live: Api, number: str) -> None:
    say(people, number, "opt_out")
    batch = {"messages": [{"to": number, "text": "Hi"}, {"to": "+447700900123", "text": "Hi"}]}
    data = live("POST", "/v1/messages/batch", batch).json()["data"]
    assert (data[0]["status"], data[0]["code"]) == ("refused", "opted_out")
    refused = live("POST", "/v1/messages/batch", {**batch, "all_or_none": True}).json()
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("opted_out", "/messages/0/to")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"to": "12"}, "too_short", "/to"),
        ({"to": "a@b"}, "bad_address", "/to"),
        ({"action": "stop"}, "bad_value", "/action"),
        ({"purpose": "News!"}, "bad_topic", "/purpose"),
        ({"purpose": "news", "sender": "Acme"}, "ambiguous_field", "/sender"),
        ({"at": "2999-01-01T00:00:00Z"}, "bad_time", "/at"),
        ({"at": "yesterday"}, "bad_time", "/at"),
        ({"until": "soon"}, "bad_time", "/until"),
        ({"detail": {"note": "a" * 5_000}}, "metadata_too_large", "/detail"),
        ({"surprise": 1}, "unknown_field", "/surprise"),
        ({"everywhere": True, "detail": {"a": 1}}, "wrong_type", "/detail/..."),
    ],
)
def test_what_can_not_be_recorded_is_refused(people: Api, body: dict[str, Any], code: str, pointer: str) -> None:
    answer = people("POST", "/v1/consents", {"to": "+447700900123", "action": "opt_in", **body})
    assert answer.json()["code"] == code, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer.split("/...")[0])


def test_only_the_operator_speaks_for_all_workspaces(server: Server, admin: Api) -> None:
    key = admin("POST", "/v1/workspaces", {"name": "without-say"}).json()["admin_key"]["key"]
    answer = Api(server, key)("POST", "/v1/consents", {"to": "+447700900777", "action": "opt_out", "everywhere": True})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_workspace")


def test_a_no_is_not_refused_because_a_clock_is_fast(people: Api, live: Api, number: str) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
    entry = say(people, number, "opt_out", at=soon)["data"][0]
    assert entry["at"] == entry["recorded_at"]
    assert send(live, number) == "opted_out"


def test_what_the_operator_says_for_all_no_workspace_lifts(admin: Api, people: Api, live: Api, number: str) -> None:
    answer = admin("POST", "/v1/consents", {"to": number, "action": "opt_out", "everywhere": True, "source": "letter"})
    assert answer.json()["errors"][0]["pointer"] == "/source"
    say(admin, number, "opt_out", everywhere=True)
    found = say(people, number, "opt_in")
    assert (send(live, number), found["may_send"]["promotional"]) == ("opted_out", "opted_out")
    why = found["data"][0]
    assert (why["action"], why["source"], why["actor"]) == ("opt_out", "operator", "operator"), "each sees why"
    say(admin, number, "opt_in", everywhere=True)
    assert send(live, number) == "yes"


def test_a_long_field_of_a_file_is_a_bad_line(people: Api, number: str) -> None:
    text = f"to,action,source,text\n{number},opt_in,{'s' * 65},\n{number},opt_in,,{'t' * 10_001}\n{number},opt_in,s,t\n"
    report = people("POST", "/v1/consents/import", {"csv": text}).json()
    assert (report["taken"], [one["code"] for one in report["bad"]]) == (1, ["too_long", "too_long"])


def test_a_file_stands_in_the_audit_log_by_its_ends(people: Api, server: Server, number: str) -> None:
    lines = "".join(f"{number},opt_out,topic-{place}\n" for place in range(3))
    people("POST", "/v1/consents/import", {"csv": f"to,action,purpose\n{lines}"})
    entries = people("GET", f"/v1/consents?to=%2B{number[1:]}").json()["data"]
    log = Api(server, server.key("admin", environment="live"))("GET", "/v1/audit").json()["data"]
    (noted,) = [one for one in log if one["action"] == "consent.imported" and one["detail"]["entries"] == 3]
    assert (noted["detail"]["first"], noted["detail"]["last"]) == (entries[0]["id"], entries[-1]["id"])


def test_a_list_is_read_from_csv_with_a_report_of_its_bad_lines(people: Api, live: Api, number: str) -> None:
    other = f"+{next(NUMBERS)}"
    text = (
        "to,purpose,at,source\n"
        f"{number},,2024-05-01T10:00:00Z,old gateway\n"
        f'{other},promotional,,"says, ""no"""\n'
        "0700,,,\n"
        f"{number},Bad Topic,,\n"
        f"{number},,tomorrow,\n"
    )
    head = {"Content-Type": "text/csv"}
    tried = people("POST", "/v1/consents/import?action=opt_out&dry_run=true", data=text.encode(), headers=head).json()
    assert (tried["taken"], tried["refused"], tried["dry_run"]) == (2, 3, True)
    assert [(one["line"], one["code"]) for one in tried["bad"]] == [
        (4, "not_international"),
        (5, "bad_topic"),
        (6, "bad_time"),
    ]
    assert send(live, number) == "yes", "a dry run keeps nothing"
    people("POST", "/v1/consents/import?action=opt_out", data=text.encode(), headers=head)
    assert (send(live, number), send(live, other)) == ("opted_out", "yes")
    out = list(csv.DictReader(io.StringIO(people("GET", "/v1/suppressions/export").text)))
    assert {"to": other, "action": "opt_out", "purpose": "promotional", "sender": ""}.items() <= next(
        row for row in out if row["to"] == other
    ).items()


def test_an_import_lifts_no_no(people: Api, live: Api, number: str) -> None:
    say(people, number, "opt_out", source="keyword")
    people("POST", "/v1/consents/import", {"csv": f"to,action\n{number},opt_in\n"})
    assert send(live, number) == "opted_out"


@pytest.mark.parametrize("text", ["", "number\n+447700900123\n", 'to\n"open'])
def test_what_is_no_such_file_is_refused_whole(people: Api, text: str) -> None:
    answer = people("POST", "/v1/consents/import?action=opt_out", {"csv": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_csv"), answer.text


# -- persons


def test_a_person_says_no_once_for_all_their_addresses(people: Api, live: Api, number: str) -> None:
    other = f"+{next(NUMBERS)}"
    made = people("POST", "/v1/contacts", {"name": "Ann", "external_id": f"crm{number}", "addresses": [number, other]})
    assert made.status_code == 201, made.text
    say(people, number, "opt_out")
    assert send(live, other) == "opted_out"
    found = people("GET", f"/v1/contacts?address=%2B{other[1:]}").json()["data"]
    assert [one["id"] for one in found] == [made.json()["id"]]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"addresses": ["12"]}, "too_short", "/addresses/0"),
        ({"addresses": [f"+4477009{n:05}" for n in range(21)]}, "too_long", "/addresses"),
        ({"time_zone": "Europe/Atlantis"}, "bad_time_zone", "/time_zone"),
        ({"locale": "?"}, "bad_value", "/locale"),
        ({"attributes": {"a": "x" * 5_000}}, "metadata_too_large", "/attributes"),
        ({"nick": "A"}, "unknown_field", "/nick"),
    ],
)
def test_what_can_not_be_a_contact_is_refused(people: Api, body: dict[str, Any], code: str, pointer: str) -> None:
    answer = people("POST", "/v1/contacts", body)
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer), answer.text


def test_what_is_left_out_of_a_change_stays(people: Api, number: str) -> None:
    made = people("POST", "/v1/contacts", {"name": "Ann", "locale": "pt-BR", "addresses": [number]}).json()
    changed = people("PATCH", f"/v1/contacts/{made['id']}", {"name": None, "time_zone": "Europe/Lisbon"}).json()
    assert (changed["name"], changed["locale"], changed["time_zone"]) == (None, "pt-BR", "Europe/Lisbon")
    assert [one["address"] for one in changed["addresses"]] == [number]


# -- proof


def test_the_proof_stands_after_everything_around_it_has_changed(
    people: Api, live: Api, admin: Api, server: Server, number: str
) -> None:
    """The configuration changed, the words were edited, the number moved to somebody else."""
    first = people("POST", "/v1/contacts", {"name": "Ann", "addresses": [number]}).json()["id"]
    words = "Yes, <b>weekly</b> offers from Acme. Reply STOP to end."
    said = {"source": "web_form", "channel": "sms", "language": "en"}
    recorded = time.time()
    say(people, number, "opt_in", purpose="promotional", text=words, text_version="v1", **said)
    message = live("POST", "/v1/messages", {"to": number, "text": "10 % off", "kind": "promotional"}).json()["id"]
    whole = Api(server, server.key("admin", environment="live"))
    policy = {"policies": {"consent": {"promotional": "double_opt_in", "brand": "Acme"}}}
    assert whole("POST", "/v1/apply", {"document": policy}).status_code == 200
    say(people, number, "opt_in", purpose="promotional", text="Quite other words", text_version="v2")
    second = people("POST", "/v1/contacts", {"name": "Bob", "addresses": [number]}).json()["id"]
    try:
        proof = people("GET", f"/v1/consents/proof?to=%2B{number[1:]}").json()
    finally:
        whole("DELETE", "/v1/declared/policy/consent")
    given = proof["record"][0]
    assert (given["text"], given["text_version"], given["contact"]) == (words, "v1", first)
    assert {name: given[name] for name in said} == said
    assert abs(datetime.fromisoformat(given["at"]).timestamp() - recorded) < 60
    assert [(stay["contact"], stay["until"] is None) for stay in proof["stays"]] == [(first, False), (second, True)]
    assert proof["standing"]["promotional"] == "no_consent", "Bob said nothing"
    assert [(sent["id"], sent["record"]) for sent in proof["messages"]] == [(message, given["id"])]
    assert proof["policy"][-1]["policy"] == policy["policies"]["consent"]
    digest, proof["digest"] = proof["digest"], ""
    assert (
        digest
        == hashlib.sha256(
            json.dumps({**proof, "digest": ""}, separators=(",", ":"), ensure_ascii=False).encode()
        ).hexdigest()
    )
    page = people("GET", f"/v1/consents/proof?to=%2B{number[1:]}&format=html")
    assert "attachment" in page.headers["content-disposition"]
    assert "Yes, &lt;b&gt;weekly&lt;/b&gt; offers" in page.text and "<b>" not in page.text


def test_a_policy_that_can_not_be_is_refused(admin: Api) -> None:
    for policies, pointer in (
        ({"consent": {"promotional": "nothing"}}, "/document/policies/consent/promotional"),
        ({"consents": {}}, "/document/policies/consents"),
        ({"consent": {"countries": {"Germany": {}}}}, "/document/policies/consent/countries"),
    ):
        answer = admin("POST", "/v1/apply", {"document": {"policies": policies}})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text
