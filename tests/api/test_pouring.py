"""Answers that are written as they come: at the reader's pace, and never taken for whole when they broke."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from heliograph.api.asgi import _pour


class Reader:
    """An ASGI server's side of one request."""

    def __init__(self, *, leaves_after: int | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.defects: list[BaseException] = []
        self._leaves_after = leaves_after
        self._gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self._leaves_after is not None and len(self.sent) > self._leaves_after:
            self._gone.set()
        await asyncio.sleep(0)

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def defect(self, error: BaseException) -> str:
        self.defects.append(error)
        return ""

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_whole(self) -> bool:
        return self.sent[-1] == {"type": "http.response.body", "body": b""}


async def pieces(count: int, closed: list[bool], *, breaks: bool = False) -> AsyncIterator[bytes]:
    try:
        for number in range(count):
            yield b"%d," % number
        if breaks:
            raise OSError("the disk is gone")
    finally:
        closed.append(True)


@pytest.mark.asyncio
async def test_a_whole_answer_ends_with_its_end() -> None:
    reader, closed = Reader(), list[bool]()
    await _pour(reader, reader.receive, reader.send, 200, [], pieces(3, closed))  # type: ignore[arg-type]
    assert (reader.body, reader.is_whole, closed) == (b"0,1,2,", True, [True])


@pytest.mark.asyncio
async def test_an_answer_that_breaks_has_no_end_and_is_told() -> None:
    reader, closed = Reader(), list[bool]()
    await _pour(reader, reader.receive, reader.send, 200, [], pieces(3, closed, breaks=True))  # type: ignore[arg-type]
    assert (reader.is_whole, [str(error) for error in reader.defects]) == (False, ["the disk is gone"])


@pytest.mark.asyncio
async def test_who_has_hung_up_is_written_no_more() -> None:
    reader, closed = Reader(leaves_after=5), list[bool]()
    await _pour(reader, reader.receive, reader.send, 200, [], pieces(1_000, closed))  # type: ignore[arg-type]
    assert len(reader.sent) < 20
    assert (reader.is_whole, closed, reader.defects) == (False, [True], [])
