"""What the engine says of its work, as the log and the metrics tell it."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from heliograph.core.message import Delivery, Message, Outcome
from heliograph.observe import Log, Metrics, Observer
from heliograph.observe.families import Counter, Histogram

NOW = 1_700_000_000_000


class Watched:
    """An observer, and what it has told."""

    def __init__(self, path: Path, level: str = "info") -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        self._log = Log(level=level, descriptor=self._descriptor)
        self.metrics = Metrics()
        self.observer = Observer(self._log, self.metrics, lambda: NOW + 40)

    def lines(self) -> list[dict[str, Any]]:
        self._log.close()
        os.close(self._descriptor)
        return [json.loads(line) for line in self._path.read_text().splitlines()]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "log")


def message(**changes: Any) -> Message:
    fields: dict[str, Any] = dict.fromkeys(Message.__struct_fields__)
    fields |= {"id": 1, "workspace": 1, "environment": 1, "client": 1, "accepted_at": NOW, "updated_at": NOW + 900}
    fields |= {"to": "+447700900123", "country": "GB", "kind": "otp", "lane": 0, "sender": "Acme"}
    fields |= {"text": "Your code is 482913", "encoding": "gsm7", "segments": 1, "state": "queued", "due_at": NOW}
    fields |= {"connector": "telco", "attempts": 1, "possible_duplicate": 0, "correlation_id": "order 7"}
    return Message(**fields | changes)


class Said(NamedTuple):
    """What a customer's server said."""

    status: int
    reason: str = ""
    detail: str = ""
    body: bytes = b""
    latency_ms: int = 30
    retry_after: float | None = None


def delivery() -> Delivery:
    fields: dict[str, Any] = dict.fromkeys(Delivery.__struct_fields__)
    fields |= {"id": 1, "created_at": NOW, "target": "endpoint:1", "tries": 0}
    return Delivery(**fields)


def total(counted: Counter | Histogram) -> dict[tuple[str, ...], int]:
    if isinstance(counted, Counter):
        return counted.counts
    return {key: sum(buckets) for key, (buckets, _) in counted.series.items()}


def test_a_messages_life_is_told_without_its_text(watched: Watched) -> None:
    m = message(state="delivered", sent_at=NOW + 40, final_at=NOW + 900)
    watched.observer.accepted([m])
    watched.observer.answered("telco", [(m, Outcome("accepted", ("c1",)))])
    watched.observer.ended([m])
    lines = watched.lines()
    assert [line["event"] for line in lines] == ["message_accepted", "message_answered", "message_ended"]
    assert len({line["message"] for line in lines}) == 1
    assert {"correlation_id", "to", "country", "kind", "sender", "segments", "connector", "attempt"} <= lines[0].keys()
    assert (lines[1]["carrier_ids"], lines[2]["state"]) == (["c1"], "delivered")
    assert "482913" not in json.dumps(lines)


def test_a_messages_life_is_counted(watched: Watched) -> None:
    m = message(state="delivered", segments=2, attempts=2, possible_duplicate=1)
    watched.observer.accepted([m, m])
    watched.observer.answered("telco", [(m, Outcome("accepted")), (m, Outcome("refused", failure="transient"))])
    watched.observer.ended([m])
    counted = watched.metrics
    assert total(counted.accepted) == {("otp", "GB"): 2}
    assert total(counted.accepted_segments) == {("otp", "gsm7"): 4}
    assert total(counted.multipart) == {("otp",): 2}
    assert total(counted.submissions) == {("telco", "accepted", ""): 1, ("telco", "refused", "transient"): 1}
    assert total(counted.segments) == {("telco", "GB"): 2}
    assert total(counted.retries) == total(counted.duplicates) == {("telco",): 2}
    assert total(counted.to_carrier) == {("telco", "otp"): 1}
    assert total(counted.ended) == {("delivered", "telco", "GB"): 1}
    assert total(counted.to_delivered) == {("telco",): 1}


@pytest.mark.parametrize(
    ("answer", "result", "told"),
    [
        (Said(204), "ok", False),
        (Said(503), "http_503", True),
        (Said(0, "timeout"), "timeout", True),
    ],
)
def test_webhooks_are_counted_by_result_and_failures_told(
    watched: Watched, answer: Said, result: str, told: bool
) -> None:
    watched.observer.delivery(delivery(), answer)
    assert total(watched.metrics.webhooks) == {(result,): 1}
    assert [line["event"] for line in watched.lines()] == (["webhook_failed"] if told else [])


def test_a_defect_is_an_alarm_with_its_trace(watched: Watched) -> None:
    try:
        raise ZeroDivisionError("ours")
    except ZeroDivisionError as error:
        watched.observer.defect(error)
    (line,) = watched.lines()
    assert (line["level"], "test_watch.py" in line["trace"]) == ("error", True)
    assert total(watched.metrics.defects) == {("ZeroDivisionError",): 1}


def test_notes_and_refusals_are_counted(watched: Watched) -> None:
    watched.observer.note("link_down", connector="telco")
    watched.observer.refused("bad_number", 3)
    assert total(watched.metrics.notes) == {("link_down",): 1}
    assert total(watched.metrics.refused) == {("bad_number",): 3}
    (line,) = watched.lines()
    assert (line["level"], line["event"], line["connector"]) == ("warning", "link_down", "telco")


def test_counting_goes_on_when_nothing_is_logged(tmp_path: Path) -> None:
    quiet = Watched(tmp_path / "log", level="warning")
    quiet.observer.accepted([message()])
    assert total(quiet.metrics.accepted) == {("otp", "GB"): 1}
    assert quiet.lines() == []


def test_what_callers_choose_freely_makes_no_series(watched: Watched) -> None:
    """However many numbers, senders, tags and ids go by, the metrics stay as many as they were."""

    def one(number: int) -> None:
        own: dict[str, Any] = {"id": number, "to": f"+4477009{number:05d}", "sender": f"S{number}", "text": str(number)}
        own |= {"correlation_id": f"order {number}", "tags": f'["{number}"]', "template": f"t{number}@1"}
        told = delivery()
        told.target = f"endpoint:{number}"
        watched.observer.accepted([message(**own)])
        watched.observer.answered("telco", [(message(**own), Outcome("accepted", (f"id {number}",)))])
        watched.observer.ended([message(**own, state="delivered")])
        watched.observer.delivery(told, Said(200, latency_ms=number))
        watched.observer.replied(202, number)
        watched.observer.note("rare", subject=f"thing {number}")

    def series() -> int:
        return len(watched.metrics.text().splitlines())

    one(0)
    before = series()
    for number in range(1, 500):
        one(number)
    assert series() == before
