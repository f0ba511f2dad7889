"""Tests of one's own receiver need no gateway: they sign events as it does. `pytest examples/fastapi_app`."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from standardwebhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0LW9mLWEtcmVjZWl2ZXItaW4tdGVzdHM="
os.environ |= {"HELIOGRAPH_KEY": "hg_test_x", "WEBHOOK_SECRET": SECRET, "DATABASE": ":memory:"}

from examples.fastapi_app.app import app, database  # noqa: E402  it reads what stands above


@pytest.fixture
def client() -> Iterator[TestClient]:
    database.executescript("DELETE FROM inbox; DELETE FROM notices; INSERT INTO notices VALUES ('order-1', 'queued')")
    with TestClient(app) as ready:
        yield ready


def post(client: TestClient, id: str, status: str, *, secret: str = SECRET, age: timedelta = timedelta()) -> int:
    """What the receiver answers to an event about order-1."""
    data = {"status": status, "correlation_id": "order-1"}
    body, then = json.dumps({"id": id, "type": f"message.{status}", "data": data}), datetime.now(UTC) - age
    headers = {"webhook-id": id, "webhook-timestamp": str(int(then.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign(id, then, body)
    return client.post("/hooks/heliograph", content=body, headers=headers).status_code


def until(client: TestClient, status: str) -> None:
    end = time.monotonic() + 5
    while (found := client.get("/notices/order-1").json()["status"]) != status:
        assert time.monotonic() < end, found


def test_a_genuine_event_is_taken_and_worked_on(client: TestClient) -> None:
    assert post(client, "evt_1", "delivered") == 204
    until(client, "delivered")


def test_the_same_event_again_is_no_news(client: TestClient) -> None:
    assert [post(client, "evt_1", "sent") for _ in range(3)] == [204, 204, 204]
    assert database.execute("SELECT count(*) FROM inbox").fetchone() == (1,)


def test_a_late_event_does_not_turn_the_clock_back(client: TestClient) -> None:
    assert [post(client, "evt_2", "delivered"), post(client, "evt_1", "sent")] == [204, 204]
    until(client, "delivered")


def test_what_is_forged_or_stale_is_refused(client: TestClient) -> None:
    other = "whsec_" + "YW5vdGhlci1zZWNyZXQtb2Ytc29tZWJvZHktZWxzZQ=="
    assert post(client, "evt_1", "delivered", secret=other) == 401
    assert post(client, "evt_1", "delivered", age=timedelta(hours=1)) == 401
    assert client.post("/hooks/heliograph", content=b"{}").status_code == 401
    assert database.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
