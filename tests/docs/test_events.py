"""docs/reference/events.md names each event that the program can tell, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.event_tables import _MESSAGE, OTHERS, TOLD_TO_NOBODY
from heliograph.core import alarms
from heliograph.core.lifecycle import FACTS, SENDING
from heliograph.core.lifecycle import advance as _advance
from heliograph.engine.notify.subscriptions import _OTHER_EVENTS
from heliograph.products import samples
from tests.api.conftest import CONFIG
from tests.process.server import Api, Server
from tests.process.sink import Sink

SOURCE = Path(__file__).parents[2] / "src" / "heliograph"
FAMILIES = ("message", "receipt", *(name.rstrip(".") for name in _OTHER_EVENTS))
NAME = re.compile(rf"(?:{'|'.join(FAMILIES)})\.[a-z_]+")
# What looks like an event in the code and is none: entries of the audit log, other programs' words, Python modules.
NOT_EVENTS = {
    *("contact.created", "contact.changed", "campaign.created", "campaign.approved", "campaign.deleted"),
    *(
        "link.carrier",
        "message.finalized",
        "template.removed",
        "conversation.state",
        "message.text",
        "message.redacted",
    ),
}


def literals() -> Iterator[str]:
    """Strings of the source that have the form of an event's type, and are no `action` of the audit log."""
    for file in (SOURCE / folder for folder in ("engine", "products", "store")):
        for path in file.rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text())))
            actions = {id(node.value) for node in nodes if isinstance(node, ast.keyword) and node.arg == "action"}
            for node in nodes:
                if (
                    id(node) not in actions
                    and isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and NAME.fullmatch(node.value)
                ):
                    yield node.value


def test_no_event_of_the_code_is_missing() -> None:
    known = {f"message.{state}" for state in _MESSAGE} | OTHERS.keys() | TOLD_TO_NOBODY | NOT_EVENTS
    assert set(literals()) - known == set()


def test_what_there_are_samples_of_is_on_the_page() -> None:
    assert set(samples.TYPES) - {f"message.{state}" for state in _MESSAGE} - OTHERS.keys() == set()
    assert {f"alarm.{state}" for state in (alarms.FIRING, alarms.RESOLVED)} <= OTHERS.keys()


def test_every_state_of_a_message_but_sending_is_told() -> None:
    told = {_advance(origin, fact).event for fact, (_, origins) in FACTS.items() for origin in origins}
    assert {f"message.{state}" for state in _MESSAGE} == (told - {None}) | {"message.accepted"}
    assert SENDING not in _MESSAGE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("events"), CONFIG) as running:
        yield running


def test_what_is_told_carries_what_the_page_says(server: Server) -> None:
    """One event of each kind that is quick to cause."""
    admin = Api(server, server.key("admin"))
    with Sink() as sink:
        body = {"name": "all", "url": f"{sink.url}/hook", "events": ["*"]}
        assert admin("POST", "/v1/endpoints", body).status_code == 201
        admin.send()
        phone = {"from": "+447700900124", "to": "60606", "text": "STOP"}
        assert admin("POST", "/v1/sandbox/inbound", phone).status_code == 202
        admin("POST", "/v1/endpoints/all/test")
        started = admin("POST", "/v1/verifications", {"to": "+447400123456"}).json()
        admin("POST", f"/v1/verifications/{started['id']}/check", {"code": started["test_code"]})
        wanted = {"message.delivered", "inbound.received", "contact.opted_out", "webhook.test", "verification.approved"}
        heard = sink.until(lambda heard: wanted <= {one.event["type"] for one in heard})
    for event in (one.event for one in heard):
        family, _, rest = event["type"].partition(".")
        if event["type"] in OTHERS and family != "verification":
            shown = set(re.findall(r"`(\w+)`", OTHERS[event["type"]][1]))
            assert shown & set(event["data"]), event
            assert set(event["data"]) <= shown or "conversation" in OTHERS[event["type"]][1], event
        else:
            assert rest in _MESSAGE or family == "verification"
