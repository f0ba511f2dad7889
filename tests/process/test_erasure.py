"""An erased person is looked for in every column of every table, and in every file, of a gateway that knew all of them.

The number is looked for without its country code, which is in all of its spellings, and the name that texts called.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import quote

import asyncpg
import pytest
import requests

from tests.process.database import database
from tests.process.links import connector
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink
from tests.process.smsc import Smsc

ANNA, BEN = "+447400123456", "+447400654321"
TRACES: Final = ("7400123456", "7400 123456", "anna")
OURS = "60606"
# Where she stands before she is erased, and nowhere afterwards.
HERS: Final = (
    "audience_rows callbacks consents contact_addresses contacts conversation_entries conversations drills events "
    "idempotency inbound inbound_parts message_tags messages parked_receipts plan_runs plan_steps smpp_parts stances "
    "verifications"
)
CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1]
[connectors.play]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "wire"
match = {{ country = ["GB"], kind = ["support"] }}
via = ["telco"]
[[routes]]
name = "all"
via = ["play"]
[senders.60606]
type = "short_code"
two_way = true
[policies.quiet_hours]
kinds = []
[endpoints.crm]
url = "{url}/crm"
[plans.alert]
[[plans.alert.steps]]
channel = "sms"
"""
# What no door brings at will: calls that nobody understood, receipts and parts that wait, a drill with this number.
STRAYS = (
    "INSERT INTO callbacks (connector, outcome, reason, address, request, at) "
    "VALUES ('telco', 'unread', '', '', 'to=07400123456', {now})",
    "INSERT INTO parked_receipts (connector, carrier_id, receipt, at) "
    "VALUES ('telco', 'x', '{{\"raw\": \"to=447400123456\"}}', {now})",
    "INSERT INTO inbound_parts VALUES ('telco', '447400123456', '60606', '7', 2, 1, 'Anna is', {now})",
    "INSERT INTO smpp_parts (client, source, destination, reference, total, number, id, text, request, at) "
    "VALUES (1, 'Acme', '07400123456', '7', 2, 1, 'p', 'Anna', '{{}}', {now})",
    "INSERT INTO export_progress (workspace, name, done_until, position, object, done_at) "
    "VALUES (1, 'daily', {now}, '', 'a.csv', {now})",
    "INSERT INTO drills (workspace, environment, connectors, how, number, length_ms, state, actor, began_at, report) "
    "VALUES (1, 1, '[]', 'down', '+447400123456', 1, 'done', 'key:a', {now}, '{{}}')",
)

REPEATED = (
    ("k1", "/v1/messages", {"to": ANNA, "text": "Anna"}),
    ("k2", "/v1/messages/batch", {"messages": [{"to": ANNA, "text": "Anna"}, {"to": BEN, "text": "Ben"}]}),
    (f"welcome-{ANNA}", "/v1/messages", {"to": ANNA, "text": "Welcome, Anna"}),
)


class Known:
    """A gateway, and how its tables are read whole."""

    def __init__(self, server: Server, url: str, sink: Sink) -> None:
        self.server, self._url, self.sink = server, url, sink
        self.test = Api(server, server.key("admin"))
        self.live = Api(server, server.key("admin", environment="live"))

    def tables(self) -> dict[str, str]:
        """All that stands in each table, as one text."""
        return asyncio.run(self._postgres()) if self._url else self._sqlite()

    def _sqlite(self) -> dict[str, str]:
        ledger = sqlite3.connect(f"file:{self.server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
        names = [row[0] for row in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: str(ledger.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names}
        ledger.close()
        return found

    async def _postgres(self) -> dict[str, str]:
        ledger = await asyncpg.connect(self._url)
        names = await ledger.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {name: str(await ledger.fetch(f'SELECT * FROM "{name}"')) for (name,) in names}
        await ledger.close()
        return found

    def write(self, statements: tuple[str, ...]) -> None:
        now = int(time.time() * 1_000)
        asyncio.run(self._write([statement.format(now=now) for statement in statements]))

    async def _write(self, statements: list[str]) -> None:
        if not self._url:
            with sqlite3.connect(self.server.data_dir / "heliograph.db", timeout=20) as ledger:
                for statement in statements:
                    ledger.execute(statement)
            return
        ledger = await asyncpg.connect(self._url)
        for statement in statements:
            await ledger.execute(statement)
        await ledger.close()

    def files(self) -> dict[str, str]:
        """What the gateway has written beside its tables."""
        data = self.server.data_dir
        kept = [path for path in data.rglob("*") if path.is_file() and "heliograph.db" not in path.name]
        return {path.name: path.read_text("latin-1") for path in (*kept, self.server.folder / "server.log")}


def refuses_the_first() -> Callable[[Heard], int | tuple[int, bytes]]:
    """At each place the first event fails for good, and its body comes back."""
    first: dict[str, str] = {}

    def answer(heard: Heard) -> int | tuple[int, bytes]:
        event = heard.headers["webhook-id"]
        return (500, heard.body) if first.setdefault(heard.path, event) == event else 200

    return answer


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    folder = tmp_path_factory.mktemp("erasure")
    with ExitStack() as stack:
        url = stack.enter_context(database()) if request.param == "postgres" else ""
        store = f'[store]\nurl = "{url}"\n' if url else ""
        sink = stack.enter_context(Sink(refuses_the_first()))
        centre = stack.enter_context(Smsc(folder))
        telco = connector("telco", centre.port) + "record_to_disk = true\n"
        server = stack.enter_context(Server(folder, CONFIG.format(url=sink.url) + telco + store))
        yield Known(server, url, sink)


def where(places: Mapping[str, str]) -> list[str]:
    """Which of them tell of her."""
    return sorted(name for name, text in places.items() if any(trace in text.lower() for trace in TRACES))


def until(found: Callable[[], Any], within_s: float = 20) -> Any:
    end = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def keyed(api: Api, path: str, body: dict[str, Any], key: str) -> requests.Response:
    return api("POST", path, body, headers={"Idempotency-Key": key})


def send_in_every_way(known: Known) -> None:
    """Messages to her through each door, some with a key of their own."""
    test, live = known.test, known.live
    hers = {"tags": ["anna"], "metadata": {"name": "Anna"}, "correlation_id": "anna"}
    told = {"callback_url": f"{known.sink.url}/told?user=447400123456"}
    one = keyed(test, "/v1/messages", {"to": ANNA, "text": "Dear Anna", **hers, **told}, "k0").json()
    for key, path, body in REPEATED:
        assert keyed(test, path, body, key).status_code == 202
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    test.send(ANNA, "Later, Anna", send_at=later)
    made = known.server.run("keys", "create", "--name", "twilio", "--environment", "test", "--scope", "messages:send")
    form = {"To": ANNA, "From": OURS, "Body": "Anna by Twilio"}
    place = f"{known.server.url}/2010-04-01/Accounts/{made['account_sid']}/Messages.json"
    auth = (made["account_sid"], made["key"])
    twilio = requests.post(place, data=form, auth=auth, headers={"Idempotency-Key": "k3"}, timeout=20)
    assert twilio.status_code == 201, twilio.text
    wire = live.send("07400 123456", "Anna by SMPP", kind="support", default_country="GB", **hers, **told)
    for api, message in ((test, one["id"]), (live, wire["id"])):
        api.until(message, "delivered")


def know_her(known: Known) -> None:
    """Everything else that a gateway learns of a person."""
    test = known.test
    test("POST", "/v1/contacts", {"name": "Anna", "external_id": "anna-1", "addresses": [ANNA, "anna@example.com"]})
    said = {"to": ANNA, "source": "web_form", "text": "I am Anna", "ip": "192.0.2.7", "user_agent": "Anna's"}
    assert test("POST", "/v1/consents", {**said, "action": "opt_in", "purpose": "promotional"}).status_code < 300
    text = {"from": ANNA, "to": OURS, "text": "This is Anna", "connector": "play"}
    assert test("POST", "/v1/sandbox/inbound", text).status_code == 202
    at = f"/v1/conversations?number={quote(ANNA)}"
    thread = until(lambda: test("GET", at).json()["data"])[0]["id"]
    assert test("POST", f"/v1/conversations/{thread}/notes", {"text": f"Anna, {ANNA}"}).status_code < 300
    keyed(test, f"/v1/conversations/{thread}/reply", {"text": "Hello Anna"}, "k4")
    code = test("POST", "/v1/verifications", {"to": ANNA}).json()
    test("POST", f"/v1/verifications/{code['id']}/check", {"code": code["test_code"]})
    run = keyed(test, "/v1/messages", {"to": ANNA, "text": "Anna", "plan": "alert"}, f"plan-{ANNA}")
    assert run.status_code == 202, run.text
    campaign(test)
    test("GET", f"/v1/people/{ANNA}/export")
    test("GET", f"/v1/lookup/{ANNA}")
    test("GET", f"/v1/messages?to={quote(ANNA)}")
    test("POST", "/v1/goals", {"name": "order", "contact_id": ANNA, "reference": "anna-7"})
    assert test("POST", "/v1/consents", {**said, "action": "opt_out"}).status_code < 300
    known.write(STRAYS)


def campaign(api: Api) -> None:
    rows = f"to,name\n{ANNA},Anna\n{BEN},Ben\n"
    headers = {"Content-Type": "text/csv"}
    api.session.post(f"{api.url}/v1/audiences/upload?name=all", data=rows, headers=headers, timeout=20)
    spec = {"name": "spring", "audience": "all", "sender": OURS, "text": "Hello {{name}}"}
    made = api("POST", "/v1/campaigns", spec)
    assert made.status_code == 201, made.text
    at = "/v1/campaigns/spring"
    until(lambda: api("GET", at).json()["status"] == "ready")
    api("POST", f"{at}/start", {})
    until(lambda: api("GET", at).json()["status"] == "done")


def erase(known: Known, address: str) -> dict[str, Any]:
    """Carriers may have a message in hand for a moment."""
    body = {"number": address, "reason": "asked by mail"}
    done: dict[str, Any] = until(lambda: answered(known.test("POST", "/v1/people/erase", body)))
    return done


def answered(answer: requests.Response) -> Any:
    assert answer.status_code in (200, 409), answer.text
    return answer.json() if answer.status_code == 200 else None


def quiet(known: Known) -> bool:
    """No webhook waits, nothing is on its way."""
    waiting = known.test("GET", "/v1/deliveries?status=pending&limit=200").json()["data"]
    waiting += known.live("GET", "/v1/deliveries?status=pending&limit=200").json()["data"]
    return not waiting


def recorded(known: Known) -> str:
    return known.live("GET", "/v1/connectors/telco/recording?texts=true").text


def test_nothing_is_left_of_somebody_who_had_everything(known: Known) -> None:
    send_in_every_way(known)
    know_her(known)
    until(lambda: quiet(known))
    assert set(where(known.tables())) == set(HERS.split())
    assert ANNA[1:] in recorded(known)
    done = erase(known, ANNA)
    assert (done["is_suppressed"], done["outside"]) == (True, [{"kind": "export", "name": "daily", "last": "a.csv"}])
    assert where(known.tables()) == []
    assert ANNA[1:] not in recorded(known)
    files = known.files()
    assert where(files) == []
    assert '"submit_sm"' in files["telco.jsonl"]
    deliveries = known.test("GET", "/v1/deliveries?limit=200").json()["data"]
    assert "failed" in {row["status"] for row in deliveries}


def test_a_request_that_is_repeated_gets_its_answer_without_her(known: Known) -> None:
    (key, path, one), (second, places, two), _ = REPEATED
    again = keyed(known.test, path, one, key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert again.json()["to"].startswith("erased:")
    both = keyed(known.test, places, two, second).json()["data"]
    assert [item["to"] for item in both] == [again.json()["to"], BEN]
