"""Audiences and campaigns over HTTP: from a file to delivered messages, with all that stands between."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.api.conftest import CONFIG
from tests.process.server import Api, Server

_names = iter(f"c{number}" for number in range(1_000))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of its own: policies are declared, and slow connectors."""
    slow = '[connectors.slow]\nkind = "sandbox"\nmax_segments_per_second = 1\nanswer_delay_ms = 5\n'
    route = '[[routes]]\nname = "slowly"\nmatch = { sender = "Snail" }\nvia = ["slow"]\n'
    head, tail = CONFIG.split("[[routes]]", 1)
    config = f'{head}{slow}{route}[[routes]]{tail}[senders.Snail]\ntype = "alphanumeric"\n'
    with Server(tmp_path_factory.mktemp("campaigns"), config) as running:
        yield running


@pytest.fixture(scope="module")
def mine(gateway: Server) -> Api:
    return Api(gateway, gateway.key("admin"))


@pytest.fixture
def name() -> str:
    return next(_names)


def upload(api: Api, name: str, csv: str | bytes, **query: str) -> requests.Response:
    body = csv.encode() if isinstance(csv, str) else csv
    return api.session.post(
        f"{api.url}/v1/audiences/upload",
        params={"name": name, **query},
        data=body,
        headers={"Content-Type": "text/csv"},
        timeout=60,
    )


def people(count: int, start: int = 10_000) -> str:
    """Numbers that nobody has: British ones for drama."""
    return "to,name\n" + "".join(f"+4477009{start + index:05},P{index}\n" for index in range(count))


def make(api: Api, name: str, csv: str = "", **spec: Any) -> dict[str, Any]:
    """A campaign that is ready."""
    answer = upload(api, name, csv or people(5))
    assert answer.status_code == 201, answer.text
    given = {"text": "Hello {{name}}", **spec} if "variants" not in spec else spec
    answer = api("POST", "/v1/campaigns", {"name": name, "audience": name, "sender": "Acme", **given})
    assert answer.status_code == 201, answer.text
    return until(api, name, lambda found: found["status"] == "ready")


def until(api: Api, name: str, is_so: Callable[[dict[str, Any]], bool], path: str = "") -> dict[str, Any]:
    end = time.monotonic() + 20
    while True:
        found: dict[str, Any] = api("GET", f"/v1/campaigns/{name}{path}").json()
        if is_so(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def progress(api: Api, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/v1/campaigns/{name}/progress").json()
    return found


def act(api: Api, name: str, what: str) -> requests.Response:
    return api("POST", f"/v1/campaigns/{name}/{what}", {} if what == "start" else None)


def test_a_file_becomes_delivered_messages(mine: Api, name: str) -> None:
    make(mine, name)
    assert act(mine, name, "start").json()["status"] == "scheduled"
    until(mine, name, lambda found: found["status"] == "done")
    done = until(mine, name, lambda found: found["total"]["delivered"] == 5, "/progress")
    assert (done["recipients"], done["handled"], done["total"]["accepted"], done["total"]["sent"]) == (5, 5, 5, 5)
    sent = mine("GET", f"/v1/messages?tag=campaign:{name}").json()["data"]
    assert sorted(message["text"] for message in sent) == [f"Hello P{index}" for index in range(5)]
    assert {message["kind"] for message in sent} == {"promotional"}


# -- files


def test_every_bad_line_is_reported_with_its_reason(mine: Api, name: str) -> None:
    lines = ["to,name,time_zone"]
    lines += ["+447700900001,Ann,Europe/Paris", "nonsense,Bob,", "+447700900001,Cid,", "+447700900002,,"]
    lines += ["+447700900003,Dee,Mars/Base", "+447700900004,Eve,,more", '"+447700900005","Fay ""F"", the\nthird",']
    lines += ["", "+447700900006,Gus,"]
    found = upload(mine, name, "\r\n".join(lines), variables="name").json()
    assert (found["status"], found["lines"], found["valid"], found["bad"], found["duplicates"]) == ("ready", 8, 3, 4, 1)
    faults = mine("GET", f"/v1/audiences/{name}/faults").json()["data"]
    assert [(fault["line"], fault["code"]) for fault in faults] == [
        (3, "letters"),
        (4, "duplicate"),
        (5, "missing_variable"),
        (6, "bad_time_zone"),
        (7, "unknown_column"),
    ]
    assert faults[1]["detail"] == "line 2 names this number already"
    assert "nonsense" not in str(faults)  # what stood there is somebody's


@pytest.mark.parametrize(
    ("csv", "query", "code"),
    [
        (b"", {}, "bad_csv"),
        (b"name\nAnn\n", {}, "missing_column"),
        (b"to,name\n", {"variables": "name,city"}, "missing_column"),
        (b"to,name\n", {"variables": ""}, "unknown_column"),
        (b"to,to\n", {}, "bad_csv"),
        (b"to,\xff\n", {}, "bad_utf8"),
        (b'to,name\n+447700900001,"Ann\n', {}, "bad_csv"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_and_may_be_sent_again(
    mine: Api, name: str, csv: bytes, query: dict[str, str], code: str
) -> None:
    answer = upload(mine, name, csv, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert mine("GET", f"/v1/audiences/{name}").json()["status"] == "broken"
    assert upload(mine, name, people(1)).status_code == 201
    assert upload(mine, name, people(1)).json()["code"] == "already_exists"


def test_contacts_that_fit_become_an_audience(mine: Api, name: str) -> None:
    for index, (city, locale) in enumerate([("Berlin", "de"), ("Berlin", "en"), ("Paris", "fr")]):
        given = {"name": f"N{index}", "locale": locale, "attributes": {"city": city}}
        mine("POST", "/v1/contacts", {"addresses": [f"+4477009107{index:02}"], **given})
    mine("POST", "/v1/consents", {"to": "+447700910701", "action": "opt_out"})

    def valid(suffix: str, *filters: dict[str, Any]) -> int:
        found = mine("POST", "/v1/audiences", {"name": f"{name}-{suffix}", "filters": list(filters)}).json()
        return int(found["valid"])

    assert valid("city", {"field": "attributes.city", "is": "Berlin"}) == 2
    assert valid("locale", {"field": "attributes.city"}, {"field": "locale", "in": ["de", "fr"]}) == 2
    assert valid("consent", {"field": "attributes.city"}, {"field": "consent", "is": "promotional"}) == 2


# -- before it starts


def test_all_rows_are_checked_before_the_start(mine: Api, name: str) -> None:
    mine("POST", "/v1/consents", {"to": "+447700920003", "action": "opt_out"})
    csv = people(5, start=20_000) + "+447700920009,\n" + "x,y\n+447700920000,Again\n"
    ready = make(mine, name, csv, text="Dear {{name}}, " + "x" * 155)
    estimate = ready["estimate"]
    assert (estimate["recipients"], estimate["reachable"]) == (6, 4)
    assert estimate["refused"] == {"opted_out": 1, "missing_variable": 1}
    assert (estimate["duplicates"], estimate["bad"]) == (1, 1)
    assert (estimate["segments"], estimate["most_segments"]) == (8, 2)
    assert mine("GET", f"/v1/messages?tag=campaign:{name}").json()["data"] == []
    act(mine, name, "start")
    until(mine, name, lambda found: found["status"] == "done")
    total = progress(mine, name)["total"]
    assert (total["accepted"], total["refused"]) == (4, estimate["refused"])


@pytest.mark.parametrize(
    ("spec", "code", "pointer"),
    [
        ({"text": "Hi {{nobody}}"}, "missing_variable", "/text"),
        ({"text": "Hi {{name"}, "bad_template", "/text"),
        ({}, "missing_field", "/text"),
        ({"text": "Hi", "kind": "otp"}, "unknown_kind", "/kind"),
        ({"text": "Hi", "window": {"mon": "9-5"}}, "bad_hours", "/window"),
        ({"text": "Hi", "spread": "9w"}, "bad_span", "/spread"),
        ({"text": "Hi", "ends_at": "2020-01-01T00:00:00Z"}, "already_over", "/ends_at"),
        ({"text": "Hi", "audience": "nowhere"}, "unknown_audience", "/audience"),
        ({"text": "Hi", "winner": {"after": "1h"}}, "missing_field", "/variants"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(
    mine: Api, name: str, spec: dict[str, Any], code: str, pointer: str
) -> None:
    upload(mine, name, people(1))
    answer = mine("POST", "/v1/campaigns", {"name": name, "audience": name, **spec})
    assert answer.status_code in (409, 422)
    assert [(error["code"], error["pointer"]) for error in answer.json()["errors"]] == [(code, pointer)]


def test_four_eyes(gateway: Server, mine: Api, name: str) -> None:
    author = Api(gateway, gateway.key("campaigns:manage"))
    approver = Api(gateway, gateway.key("campaigns:approve"))
    assert mine.policy("campaigns", approval="four_eyes", above=3).status_code == 200
    try:
        small = f"{name}-small"
        make(author, small, people(3))
        assert act(author, small, "start").status_code == 200
        make(author, name)
        assert act(author, name, "start").json()["code"] == "not_approved"
        assert act(author, name, "approve").json()["code"] == "missing_scope"
        assert act(approver, name, "approve").status_code == 200
        assert act(author, name, "start").status_code == 200
        other = f"{name}-own"
        make(mine, other)
        assert act(mine, other, "approve").json()["code"] == "four_eyes"
    finally:
        mine.policy("campaigns")


def test_a_test_goes_to_those_who_are_named_and_counts_nowhere(mine: Api, name: str) -> None:
    make(mine, name, variants=[{"name": "a", "text": "A {{name}}"}, {"name": "b", "text": "B {{name}}"}])
    found = mine("POST", f"/v1/campaigns/{name}/test", {"to": ["+447700930001"], "variables": {"name": "Me"}}).json()
    assert [one["variant"] for one in found["data"]] == ["a", "b"]
    assert mine.until(found["data"][1]["id"], "delivered")["text"] == "B Me"
    assert progress(mine, name)["total"]["accepted"] == 0


# -- while it runs


def test_paused_nothing_leaves_and_stopped_all_that_waits_is_taken_back(mine: Api, name: str) -> None:
    make(mine, name, people(30), sender="Snail")
    act(mine, name, "start")
    until(mine, name, lambda found: found["total"]["accepted"] == 30, "/progress")
    assert act(mine, name, "pause").json()["status"] == "paused"
    time.sleep(2)  # what was being handed over has left
    before = progress(mine, name)["total"]["sent"]
    time.sleep(2.5)
    assert progress(mine, name)["total"]["sent"] == before < 10
    assert act(mine, name, "pause").json()["code"] == "wrong_state"
    act(mine, name, "resume")
    until(mine, name, lambda found: found["total"]["sent"] > before, "/progress")
    assert progress(mine, name)["estimated_end"] is not None
    act(mine, name, "stop")
    until(mine, name, lambda found: found["status"] == "stopped")
    total = progress(mine, name)["total"]
    assert total["canceled"] >= 15
    assert total["waiting"] == 0
    assert total["sent"] + total["canceled"] == 30
    assert act(mine, name, "resume").json()["code"] == "wrong_state"
    actions = [entry["action"] for entry in mine("GET", f"/v1/audit?object=campaign/{name}").json()["data"]]
    assert {"campaign.created", "campaign.paused", "campaign.resumed", "campaign.stopped"} <= {*actions}


def test_a_throttled_campaign_keeps_its_rate(mine: Api, name: str) -> None:
    make(mine, name, people(20), per_minute=60)
    act(mine, name, "start")
    until(mine, name, lambda found: found["handled"] >= 2, "/progress")
    time.sleep(2)
    assert 2 <= progress(mine, name)["handled"] <= 8
    act(mine, name, "stop")


def test_outside_the_window_it_waits_for_the_next_opening(mine: Api, name: str) -> None:
    hour = time.gmtime().tm_hour
    opens = (hour + 3) % 24
    window = {"mon-sun": f"{opens:02}:00-{(opens + 1) % 24:02}:00"}
    make(mine, name, "to,name,time_zone\n+447700900001,A,Etc/UTC\n", window=window)
    act(mine, name, "start")
    until(mine, name, lambda found: found["handled"] == 1, "/progress")
    message = mine("GET", f"/v1/messages?tag=campaign:{name}").json()["data"][0]
    assert (message["status"], message["send_at"][11:14]) == ("scheduled", f"{opens:02}:")
    act(mine, name, "stop")


def test_the_variant_that_is_answered_wins_the_rest(mine: Api, name: str) -> None:
    texts = [{"name": "a", "text": "A {{name}}"}, {"name": "b", "text": "B {{name}}"}]
    make(mine, name, people(60, start=40_000), variants=texts, winner={"by": "clicks", "after": 4, "tried_percent": 50})
    act(mine, name, "start")
    until(mine, name, lambda found: found["handled"] > 10, "/progress")
    sent = mine("GET", f"/v1/messages?tag=campaign:{name}&limit=200").json()["data"]
    for message in sent:
        if message["text"].startswith("B"):
            mine("POST", f"/v1/messages/{message['id']}/conversion", {"kind": "clicked"})
    until(mine, name, lambda found: found["status"] == "done")
    done = progress(mine, name)
    assert mine("GET", f"/v1/campaigns/{name}").json()["winner"] == "b"
    assert done["total"]["accepted"] == 60
    assert done["variants"]["a"]["accepted"] == sum(message["text"].startswith("A") for message in sent)
    to = [message["to"] for message in mine("GET", f"/v1/messages?tag=campaign:{name}&limit=200").json()["data"]]
    assert len(set(to)) == 60


def test_who_says_no_afterwards_is_counted(mine: Api, name: str) -> None:
    make(mine, name, people(3, start=50_000))
    act(mine, name, "start")
    until(mine, name, lambda found: found["total"]["sent"] == 3, "/progress")
    mine("POST", "/v1/consents", {"to": "+447700950001", "action": "opt_out"})
    assert progress(mine, name)["total"]["opted_out"] == 1


def test_an_erased_person_stands_in_no_audience(mine: Api, name: str) -> None:
    upload(mine, name, people(2, start=60_000))
    known = mine("GET", "/v1/people/%2B447700960001/export").json()
    assert [(one["audience"], one["variables"]) for one in known["audiences"]] == [(name, {"name": "P1"})]
    assert mine("POST", "/v1/people/erase", {"number": "+447700960001", "reason": "asked"}).status_code == 200
    assert mine("GET", "/v1/people/%2B447700960001/export").json()["audiences"] == []


def test_an_audience_goes_only_with_its_campaigns(mine: Api, name: str) -> None:
    make(mine, name)
    assert mine("DELETE", f"/v1/audiences/{name}").json()["code"] == "still_used"
    assert mine("DELETE", f"/v1/campaigns/{name}").status_code == 200
    assert mine("DELETE", f"/v1/audiences/{name}").status_code == 200
    assert mine("GET", f"/v1/audiences/{name}").status_code == 404
