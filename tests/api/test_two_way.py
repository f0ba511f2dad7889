"""People write back: rules, threads, those who answer, and machines that answer each other."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink

NUMBERS = iter(range(447700903000, 447700903999))
DESK, SHOP = "60606", "70707"  # numbers of ours

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
[senders.60606]
type = "short_code"
two_way = true
[senders.70707]
type = "short_code"
two_way = true
[policies.conversations]
default_team = "support"
[policies.conversations.canned]
hello = "Hello, how can we help?"
[policies.conversations.teams.support]
first_answer_within = "2s"
[policies.conversations.teams.sales]
[policies.conversations.teams.night]
out_of_office = "We are back later."
hours = { zone = "UTC", open = [{ days = [] }], closed = [CLOSED] }
[[policies.inbound.rules]]
name = "vip"
match = { attributes = { tier = "gold" } }
tags = ["vip"]
continue = true
[[policies.inbound.rules]]
name = "hours"
match = { keyword = ["HOURS", "open"] }
reply = "{to}: nine to five."
tags = ["hours"]
needs_answer = false
[[policies.inbound.rules]]
name = "buy"
match = { pattern = "*buy*", sender = "60606" }
team = "sales"
flow = "offer"
forward = "*"
[[policies.inbound.rules]]
name = "yes"
match = { keyword = "YES" }
tags = ["confirmed"]
[[policies.inbound.rules]]
name = "night"
match = { keyword = "NIGHT" }
team = "night"
[[policies.inbound.rules]]
name = "shop"
match = { sender = "70707" }
reply = "This number is not read."
"""


def days() -> str:
    """Yesterday, today and the day after, so that nobody is there at midnight either."""
    seconds = time.time()
    return ", ".join(f'"{time.strftime("%Y-%m-%d", time.gmtime(seconds + day * 86_400))}"' for day in (-1, 0, 1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("two-way"), CONFIG.replace("CLOSED", days())) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


@pytest.fixture
def number() -> str:
    return f"+{next(NUMBERS)}"


def text(api: Api, number: str, words: str, to: str = DESK) -> None:
    body = {"from": number, "to": to, "text": words, "connector": "quick"}
    assert api("POST", "/v1/sandbox/inbound", body).status_code == 202


def until(condition: Callable[[], Any], within_s: float = 15) -> Any:
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def threads(api: Api, number: str, **query: str) -> list[dict[str, Any]]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    found: list[dict[str, Any]] = api("GET", f"/v1/conversations?number=%2B{number[1:]}{more}").json()["data"]
    return found


def thread(api: Api, number: str, **wanted: Any) -> dict[str, Any]:
    """The conversation with a person, once it is as wanted."""

    def found() -> Any:
        return [one for one in threads(api, number) if all(one[name] == value for name, value in wanted.items())]

    first: dict[str, Any] = until(found)[0]
    detail: dict[str, Any] = api("GET", f"/v1/conversations/{first['id']}").json()
    return detail


def received(api: Api, number: str, count: int = 1) -> list[dict[str, Any]]:
    """What came from a person, once so much of it is settled; the oldest first."""

    def settled() -> Any:
        data = api("GET", f"/v1/inbound?from=%2B{number[1:]}").json()["data"]
        return data if len(data) == count and all(one["settled_at"] for one in data) else None

    found: list[dict[str, Any]] = until(settled)
    return found[::-1]


def sent(api: Api, number: str) -> list[str]:
    found = api("GET", f"/v1/messages?to=%2B{number[1:]}").json()["data"]
    return [one["text"] for one in reversed(found)]


def act(api: Api, conversation: dict[str, Any], what: str, body: Any = None) -> dict[str, Any]:
    answer = api("POST", f"/v1/conversations/{conversation['id']}/{what}", body)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


# -- messages from phones


def test_a_message_finds_its_thread_its_person_and_what_it_answers(api: Api, number: str) -> None:
    person = api("POST", "/v1/contacts", {"addresses": [number], "attributes": {"tier": "gold"}}).json()
    asked = api.send(number, "Are you coming?", sender=DESK)
    api.until(asked["id"], "delivered")
    text(api, number, "I am")
    [got] = received(api, number)
    assert (got["from"], got["to"], got["text"]) == (number, DESK, "I am")
    assert (got["in_reply_to"], got["contact"]) == (asked["id"], person["id"])
    assert (got["tags"], got["rules"], got["team"]) == (["vip"], ["vip"], "support")
    assert api("GET", f"/v1/inbound/{got['id']}").json() == got
    found = thread(api, number)
    assert (found["id"], found["contact"], found["state"]) == (got["conversation"], person["id"], "open")
    timeline = [(entry["kind"], entry["text"]) for entry in found["timeline"]]
    assert [one for one in timeline if one[1]] == [("outbound", "Are you coming?"), ("inbound", "I am")]


def test_a_rule_answers_and_nobody_has_to(api: Api, number: str) -> None:
    text(api, number, "hours?")
    assert until(lambda: sent(api, number)) == [f"{DESK}: nine to five."]
    found = thread(api, number, state="closed")
    assert found["tags"] == ["hours"] and found["waiting_since"] is None
    answer = next(entry for entry in found["timeline"] if entry["kind"] == "outbound")
    assert answer["automatic"] is True


def test_webhooks_hear_of_a_message_once_with_all_that_was_found(api: Api, number: str) -> None:
    with Sink() as sink:
        events = ["inbound.*", "conversation.*", "flow.started"]
        assert api("POST", "/v1/endpoints", {"name": "two-way", "url": sink.url, "events": events}).status_code == 201
        text(api, number, "I want to buy")
        until(lambda: len(sink.heard) >= 5)
        time.sleep(0.3)
        heard = [one.event for one in sink.heard]
        api("DELETE", "/v1/endpoints/two-way")
    mine = {e["type"]: e["data"] for e in heard if number in (e["data"].get("from"), e["data"].get("number"))}
    assert sorted(mine) == [
        *("conversation.assigned", "conversation.opened", "flow.started", "inbound.matched", "inbound.received"),
    ]
    assert len(heard) == 5
    assert mine["flow.started"]["flow"] == "offer" and mine["inbound.matched"]["rule"] == "buy"
    assert mine["inbound.received"]["team"] == mine["conversation.opened"]["team"] == "sales"
    assert mine["inbound.received"]["conversation"] == mine["conversation.opened"]["id"]
    assert mine["conversation.opened"]["reopened"] is False
    assert mine["conversation.assigned"]["by"] == "rule:buy"


def test_a_rule_forwards_to_one_endpoint_only(api: Api, server: Server, number: str) -> None:
    with Sink() as one, Sink() as other:
        api("POST", "/v1/endpoints", {"name": "crm", "url": one.url, "events": ["campaign.done"]})
        api("POST", "/v1/endpoints", {"name": "all", "url": other.url, "events": ["inbound.matched"]})
        made = api("POST", "/v1/workspaces", {"name": "forwarding"}).json()["admin_key"]["key"]
        rules = {"policies": {"inbound": {"rules": [{"name": "crm", "match": {"keyword": "CRM"}, "forward": "crm"}]}}}
        elsewhere = Api(server, made)("POST", "/v1/apply", {"document": rules})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "unknown_endpoint"), "crm is ours"
        before = api("GET", "/v1/declared").json()
        policy = next(o["spec"] for o in before["data"] if (o["kind"], o["name"]) == ("policy", "inbound"))
        more = {"rules": [rules["policies"]["inbound"]["rules"][0], *policy["rules"]]}
        assert api("POST", "/v1/apply", {"document": {"policies": {"inbound": more}}}).ok
        text(api, number, "crm")
        until(lambda: one.heard)
        time.sleep(0.3)
        assert [heard.event["data"]["rule"] for heard in one.heard] == ["crm"]
        assert other.heard == []
        assert api("POST", "/v1/apply", {"document": {"policies": {"inbound": policy}}}).ok
        api("DELETE", "/v1/endpoints/crm")
        api("DELETE", "/v1/endpoints/all")


def test_a_stop_opens_no_conversation_and_no_rule_hears_of_it(api: Api, number: str) -> None:
    text(api, number, "STOP", to=SHOP)
    [got] = received(api, number)
    assert got["opt_out"] is True and got["rules"] == []
    assert thread(api, number)["state"] == "closed"
    text(api, number, "and another thing", to=SHOP)
    received(api, number, 2)
    held = until(lambda: [one for one in thread(api, number)["timeline"] if one["kind"] == "held"])
    assert held[0]["detail"] == {"rule": "shop", "why": "opted_out"}, "who opted out is not answered by a machine"
    assert "This number is not read." not in sent(api, number)


def test_a_yes_is_the_rules_unless_somebody_asked_for_consent(api: Api, number: str) -> None:
    text(api, number, "YES")
    assert received(api, number)[0]["rules"] == ["yes"]
    api("POST", "/v1/consents", {"to": number, "action": "opt_out"})
    text(api, number, "yes")
    again = received(api, number, 2)[1]
    assert (again["rules"], again["keyword"]["action"]) == ([], "opt_in")


def test_what_may_be_a_no_waits_for_a_person_and_no_machine_answers(api: Api, number: str) -> None:
    text(api, number, "ABMELDEN", to=SHOP)
    [got] = received(api, number)
    assert got["keyword"]["review"] is True and (got["opt_out"], got["rules"]) == (False, [])
    assert thread(api, number)["state"] == "open"
    assert sent(api, number) == []


def test_a_person_who_writes_again_and_again_is_answered_three_times(api: Api, number: str) -> None:
    for place in range(5):
        text(api, number, f"message {place}", to=SHOP)
    received(api, number, 5)
    held = until(lambda: [one for one in thread(api, number)["timeline"] if one["kind"] == "held"][1:])
    assert held[0]["detail"]["why"] == "too_many"
    until(lambda: sent(api, number)[2:])
    assert sent(api, number) == ["This number is not read."] * 3


def test_an_echo_of_our_own_words_is_not_answered(api: Api, number: str) -> None:
    api.until(api.send(number, "Hello there!", sender=SHOP)["id"], "delivered")
    text(api, number, "hello THERE", to=SHOP)
    received(api, number)
    [held] = [one for one in thread(api, number)["timeline"] if one["kind"] == "held"]
    assert held["detail"]["why"] == "echo"
    assert sent(api, number) == ["Hello there!"]


def test_nobody_there_is_said_once(api: Api, number: str) -> None:
    text(api, number, "night")
    assert until(lambda: sent(api, number)) == ["We are back later."]
    text(api, number, "night")
    text(api, number, "hello?")
    received(api, number, 3)
    time.sleep(0.2)
    assert sent(api, number) == ["We are back later."]
    assert thread(api, number)["team"] == "night"


# -- those who answer


def test_a_conversation_is_answered_noted_tagged_closed_and_reopened(api: Api, number: str) -> None:
    text(api, number, "Help me please with my parcel")
    found = thread(api, number, state="open")
    assert act(api, found, "assign", {"agent": "ana"})["agent"] == "ana"
    assert act(api, found, "tags", {"add": ["parcel", "late"], "remove": ["late"]})["tags"] == ["parcel"]
    act(api, found, "notes", {"text": "Lost in the depot", "agent": "ana"})
    done = act(api, found, "reply", {"text": "It is on its way", "agent": "ana"})
    api.until(done["message"], "delivered")
    assert (done["conversation"]["state"], done["conversation"]["waiting_since"]) == ("waiting", None)
    assert act(api, found, "close")["state"] == "closed"
    text(api, number, "Thanks")
    again = thread(api, number, state="open")
    assert (again["id"], again["agent"]) == (found["id"], "ana")
    told = [(one["kind"], one["text"], one["by"]) for one in again["timeline"] if one["text"]]
    assert told == [
        ("inbound", "Help me please with my parcel", "person"),
        ("note", "Lost in the depot", "ana"),
        ("outbound", "It is on its way", "ana"),
        ("inbound", "Thanks", "person"),
    ]
    audit = api("GET", "/v1/audit?limit=200").json()["data"]
    actions = [entry["action"] for entry in audit if entry["object"] == f"conversation:{found['id']}"]
    assert sorted(actions) == sorted(f"conversation.{what}" for what in ("assigned", "note", "reply", "state", "tags"))


def test_a_person_is_shown_what_was_noted_of_them(api: Api, number: str) -> None:
    text(api, number, "Help me please with my parcel")
    found = thread(api, number, state="open")
    act(api, found, "notes", {"text": "Was angry", "agent": "ana"})
    known = api("GET", f"/v1/people/%2B{number[1:]}/export").json()
    assert [(one["conversation"]["id"], one["conversation"]["number"]) for one in known["conversations"]] == [
        (found["id"], number)
    ]
    (told,) = known["conversations"]
    assert [(entry["kind"], entry["text"]) for entry in told["entries"] if entry["text"]] == [
        ("inbound", "Help me please with my parcel"),
        ("note", "Was angry"),
    ]


def test_a_prepared_answer_is_sent_by_its_name(api: Api, number: str) -> None:
    text(api, number, "Anybody?")
    found = thread(api, number)
    answer = api("POST", f"/v1/conversations/{found['id']}/reply", {"canned": "helo"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_canned")
    assert "'hello'" in answer.json()["detail"]
    act(api, found, "reply", {"canned": "hello"})
    assert sent(api, number) == ["Hello, how can we help?"]
    for body in ({}, {"text": "a", "canned": "hello"}):
        assert api("POST", f"/v1/conversations/{found['id']}/reply", body).status_code == 422


def test_an_answer_asked_for_twice_with_one_key_is_sent_once(api: Api, number: str) -> None:
    text(api, number, "Anybody?")
    found = thread(api, number)
    place, headers = f"/v1/conversations/{found['id']}/reply", {"Idempotency-Key": f"key-{number}"}
    first, second = (api("POST", place, {"text": "Yes"}, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["message"] == second.json()["message"]
    assert sent(api, number) == ["Yes"]
    assert [one["text"] for one in thread(api, number)["timeline"] if one["kind"] == "outbound"] == ["Yes"]
    audit = api("GET", "/v1/audit?limit=50").json()["data"]
    replies = [e for e in audit if (e["action"], e["object"]) == ("conversation.reply", f"conversation:{found['id']}")]
    assert len(replies) == 1
    other = api("POST", place, {"text": "No"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_who_opted_out_is_not_answered(api: Api, number: str) -> None:
    text(api, number, "Anybody?")
    found = thread(api, number)
    api("POST", "/v1/consents", {"to": number, "action": "opt_out"})
    answer = api("POST", f"/v1/conversations/{found['id']}/reply", {"text": "Yes"})
    assert (answer.status_code, answer.json()["code"]) == (422, "opted_out")
    assert thread(api, number)["state"] == "open"


def test_who_waits_too_long_is_escalated(api: Api, number: str) -> None:
    with Sink() as sink:
        api("POST", "/v1/endpoints", {"name": "late", "url": sink.url, "events": ["conversation.escalated"]})
        text(api, number, "Anybody?")
        asked = thread(api, number)
        assert asked["escalates_at"] is not None
        mine = until(lambda: [h.event["data"] for h in sink.heard if h.event["data"]["number"] == number], 20)
        api("DELETE", "/v1/endpoints/late")
    assert mine[0]["waited_ms"] >= 2_000 and mine[0]["team"] == "support"
    after = thread(api, number)
    assert (after["state"], after["escalates_at"]) == ("open", None)
    assert [one["kind"] for one in after["timeline"]].count("escalated") == 1


def test_what_many_agents_do_at_once_happens_one_after_the_other(api: Api, server: Server, number: str) -> None:
    text(api, number, "Anybody?")
    found = thread(api, number)
    key = server.key("admin", environment="live", name="many")
    apis = [Api(server, key) for _ in range(8)]

    def work(place: int) -> None:
        act(apis[place], found, "tags", {"add": [f"tag-{place}"]})
        act(apis[place], found, "assign", {"agent": f"agent-{place}"})
        act(apis[place], found, "notes", {"text": f"note {place}"})
        act(apis[place], found, "close")
        act(apis[place], found, "open")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    after = thread(api, number)
    assert sorted(after["tags"]) == [f"tag-{place}" for place in range(8)], "no tag was lost"
    kinds = [one["kind"] for one in after["timeline"]]
    assert kinds.count("assigned") == 9 and kinds.count("note") == 8, "the first was the team's"
    changes = [one["detail"] for one in after["timeline"] if one["kind"] in ("assigned", "state")]
    by_field: dict[str, list[Any]] = {}
    for change in changes:
        for name, value in change["after"].items():
            chain = by_field.setdefault(name, [change["before"][name]])
            assert chain[-1] == change["before"][name], "each begins where the one before it ended"
            chain.append(value)
    assert by_field["agent"][-1] == after["agent"] and by_field["state"][-1] == after["state"]


def test_a_history_is_read_page_by_page_without_gaps(api: Api, number: str) -> None:
    text(api, number, "Anybody?")
    found = thread(api, number)
    for place in range(7):
        act(api, found, "notes", {"text": f"note {place}"})
        act(api, found, "reply", {"text": f"reply {place}"})
    whole = thread(api, number)
    pages: list[Any] = []
    cursor, older = "", "first"
    while older:
        page = api("GET", f"/v1/conversations/{found['id']}?limit=4{cursor}").json()
        pages, older = page["timeline"] + pages, page["older"]
        cursor = f"&cursor={older}"
    assert [one["id"] for one in pages] == [one["id"] for one in whole["timeline"]]
    assert [one["text"] for one in pages if one["kind"] == "outbound"] == [f"reply {place}" for place in range(7)]


def test_lists_are_narrowed_and_paged(api: Api) -> None:
    numbers = [f"+{next(NUMBERS)}" for _ in range(3)]
    for one in numbers:
        text(api, one, "I want to buy")
        act(api, thread(api, one), "assign", {"agent": "lister"})
    place, found = "/v1/conversations?agent=lister&state=open&team=sales&limit=2", []
    while place:
        page = api("GET", place).json()
        found += [one["number"] for one in page["data"]]
        more = page["next_cursor"]
        place = more and f"/v1/conversations?agent=lister&limit=2&cursor={more}"
    assert found == numbers[::-1]
    assert api("GET", "/v1/conversations?state=closed&agent=lister").json()["data"] == []
    for wrong in ("/v1/conversations?cursor=x", "/v1/inbound?cursor=x", "/v1/conversations?state=x"):
        assert api("GET", wrong).status_code == 400


def test_reading_is_one_right_and_acting_another(api: Api, server: Server, number: str) -> None:
    text(api, number, "Anybody?")
    place = f"/v1/conversations/{thread(api, number)['id']}"
    reader = Api(server, server.key("messages:read", environment="live"))
    agent = Api(server, server.key("conversations:manage", environment="live"))
    assert reader("GET", place).status_code == 200
    assert reader("POST", f"{place}/close").status_code == 403
    assert agent("POST", f"{place}/close").status_code == 200
    assert agent("GET", place).status_code == 403


def test_rules_that_can_not_work_are_refused(api: Api) -> None:
    policy = {"rules": [{"name": "a", "match": {"keyword": "STOP"}}, {"name": "b", "forward": "nowhere"}]}
    answer = api("POST", "/v1/apply", {"document": {"policies": {"inbound": policy}}})
    assert sorted(error["code"] for error in answer.json()["errors"]) == ["reserved_keyword", "unknown_endpoint"]
    team = {"default_team": "ghosts"}
    answer = api("POST", "/v1/apply", {"document": {"policies": {"conversations": team}}})
    assert answer.json()["code"] == "unknown_team"


# -- machines


MACHINE = """
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
[senders."{own}"]
type = "long_number"
two_way = true
[[policies.inbound.rules]]
name = "thanks"
reply = "{says}"
"""


def test_two_gateways_that_answer_each_other_stop(tmp_path_factory: pytest.TempPathFactory) -> None:
    ours, theirs = "+447700904001", "+447700904002"
    said = {ours: "Thanks, we will look at it.", theirs: "We got your message."}
    with (
        Server(tmp_path_factory.mktemp("ours"), MACHINE.format(own=ours, says=said[ours])) as first,
        Server(tmp_path_factory.mktemp("theirs"), MACHINE.format(own=theirs, says=said[theirs])) as second,
    ):
        apis = {ours: Api(first, first.key("admin", environment="live"))}
        apis[theirs] = Api(second, second.key("admin", environment="live"))
        apis[ours].send(theirs, "Is anybody there?", sender=ours)
        carried: set[str] = set()
        quiet_since = time.monotonic()
        while time.monotonic() < quiet_since + 2:  # the network between them
            for own, other in ((ours, theirs), (theirs, ours)):
                for one in reversed(apis[own]("GET", "/v1/messages").json()["data"]):
                    if one["id"] not in carried:
                        carried.add(one["id"])
                        text(apis[other], own, one["text"], to=other)
                        quiet_since = time.monotonic()
            time.sleep(0.02)
            assert len(carried) < 20, "they go on and on"
        assert 4 <= len(carried) <= 7, "three answers of each, and the question"
        held = [one for one in thread(apis[theirs], ours)["timeline"] if one["kind"] == "held"]
        assert [one["detail"]["why"] for one in held] == ["too_many"]
