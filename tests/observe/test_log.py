"""The log: its shape, what it never shows, and what it does when nobody reads."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heliograph.core.signing import secret_from
from heliograph.engine.clients import keys
from heliograph.observe import Log


def written(tmp_path: Path, do: Callable[[Log], None], **how: Any) -> str:
    """What stands in the log after something was done with it."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    log = Log(descriptor=descriptor, **how)
    do(log)
    log.close()
    os.close(descriptor)
    return path.read_text()


def test_a_line_is_one_json_object(tmp_path: Path) -> None:
    facts = {"message": "msg_1", "to": "+447700900123", "parts": 2, "text": "two\nlines ✅", "nothing": None}
    line = json.loads(written(tmp_path, lambda log: log.info("message_accepted", **facts)))
    at = datetime.fromisoformat(line.pop("at"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert line == {"level": "info", "event": "message_accepted", **facts}


def test_lines_stand_in_the_order_of_what_happened(tmp_path: Path) -> None:
    def many(log: Log) -> None:
        for number in range(2_000):
            log.info("step", number=number)

    lines = written(tmp_path, many).splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(2_000))


def test_people_read_text(tmp_path: Path) -> None:
    text = written(tmp_path, lambda log: log.warning("slow", why="two words", left=None, count=3), as_json=False)
    assert text.split(maxsplit=1)[1] == 'warning slow why="two words" count=3\n'


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_what_is_below_the_level_is_not_written(tmp_path: Path, level: str) -> None:
    def each(log: Log) -> None:
        for write in (log.debug, log.info, log.warning, log.error):
            write("said")
        assert log.writes(level)

    lines = written(tmp_path, each, level=level).splitlines()
    names = ["debug", "info", "warning", "error"]
    assert [json.loads(line)["level"] for line in lines] == names[names.index(level) :]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("secret", "kept"),
    [
        (keys.make_key("live").text, "hg_live_"),
        (keys.make_key("my-staging").text, "hg_my-staging_"),
        (keys.make_short_key().text, "hg***"),
        (secret_from(bytes(range(32))), "whsec_***"),
        ("sealed:0a1b2c3d:c2VjcmV0LXNlY3JldA==", "sealed:***"),
    ],
    ids=["key", "key of an environment", "short key", "webhook secret", "sealed"],  # keys differ from run to run
)
def test_a_secret_that_slips_in_is_blacked_out(tmp_path: Path, as_json: bool, secret: str, kept: str) -> None:
    text = written(
        tmp_path, lambda log: log.error("defect", trace=f"in a trace: {secret}!", deep=[{"a": secret}]), as_json=as_json
    )
    assert (secret in text, secret[-12:] in text, kept in text) == (False, False, True)


def test_what_does_not_fit_is_counted_and_told_when_somebody_reads_again() -> None:
    reader, writer = os.pipe()
    log = Log(descriptor=writer)
    for number in range(150_000):  # more than the pipe and the queue hold while nobody reads
        log.info("step", number=number)
    read = bytearray()
    with open(reader, "rb") as pipe:
        while b"log_lines_dropped" not in read:
            read += os.read(pipe.fileno(), 1 << 20)
        while not read.endswith(b"\n"):
            read += os.read(pipe.fileno(), 1 << 20)
    lines = [json.loads(line) for line in read.splitlines()]
    told = sum(line["event"] == "step" for line in lines)
    assert sum(line["count"] for line in lines if line["event"] == "log_lines_dropped") == 150_000 - told
    log.close()
    os.close(writer)


def test_a_reader_that_is_gone_stops_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = Log(descriptor=writer)
    log.error("nobody hears this")
    log.close()
    os.close(writer)
