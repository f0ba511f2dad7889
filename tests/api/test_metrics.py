"""What Prometheus is told by a running gateway."""

import re

import requests

from tests.process.server import Api, Server


def value(server: Server, name: str) -> float:
    """One sample by its name with labels, as it stands in the text; 0 when it is not there yet."""
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_what_happens_is_counted(server: Server, api: Api) -> None:
    names = (
        'heliograph_http_answers_total{status="202"}',
        'heliograph_http_answers_total{status="422"}',
        'heliograph_messages_accepted_total{country="GB",kind="support"}',
        'heliograph_requests_refused_total{code="empty"}',
    )
    before = [value(server, name) for name in names]
    for _ in range(3):
        api.until(api.send(kind="support")["id"], "delivered")
    assert api("POST", "/v1/messages", {"to": "", "text": "Hello"}).status_code == 422
    after = [value(server, name) for name in names]
    grown = [now - then for now, then in zip(after, before, strict=True)]
    assert grown[0] >= 3 and grown[1] >= 1 and grown[2:] == [3, 1], "others may have called beside us"


def test_what_stands_is_told(server: Server, api: Api) -> None:
    assert value(server, 'heliograph_link_up{connector="quick"}') == 1
    waiting = api.send(send_at="2027-01-01T00:00:00Z")
    assert waiting["status"] == "scheduled"
    assert value(server, "heliograph_webhooks_in_flight") >= 0
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    for name in ("heliograph_queue_waiting", "heliograph_queue_oldest_seconds", "heliograph_receipts_parked"):
        assert f"# HELP {name} " in text and f"# TYPE {name} gauge" in text


def test_metrics_are_for_those_who_may_see_them(server: Server, api: Api, admin: Api) -> None:
    """Here the machine itself may; a key needs the scope admin."""
    assert requests.get(f"{server.url}/metrics", timeout=5).status_code == 200
    assert admin("GET", "/metrics").status_code == 200
