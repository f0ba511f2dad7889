"""What a connector's flight recorder holds, taken out as a file; that it was taken stands in the audit log."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

from heliograph.engine import audit
from heliograph.store.port import Ledger

MEDIA_TYPES: Final = {
    "jsonl": "application/x-ndjson",
    "pcap": "application/vnd.tcpdump.pcap",
    "scenario": "text/plain; charset=utf-8",
}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]")  # in the name of a file
_ENDINGS: Final = {"jsonl": "jsonl", "pcap": "pcap", "scenario": "toml"}


class Recording(Protocol):
    """What a carrier that records has as its `recorder`. All of it may run in a thread."""

    def jsonl(self, texts: bool = False) -> Iterator[bytes]: ...

    def pcap(self, texts: bool = False) -> bytes: ...

    def scenario(self) -> str: ...

    def forget(self, word: str) -> None: ...


def recorder_of(carrier: object) -> Recording | None:
    return cast(Recording | None, getattr(carrier, "recorder", None))


def forget(carriers: Sequence[object], word: str) -> None:
    """What these have recorded holds it no more."""
    for recorder in map(recorder_of, carriers):
        if recorder is not None:
            recorder.forget(word)


def file_name(connector: str, format: str) -> str:
    return f"{_UNSAFE.sub('_', connector)}.{_ENDINGS[format]}"


async def export(
    ledger: Ledger,
    recorder: Recording,
    connector: str,
    format: str,
    *,
    texts: bool,
    workspace: int,
    actor: str,
    now: int,
) -> bytes:
    """Made in a thread: minutes of a busy connector take seconds."""
    async with ledger.transaction() as transaction:
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="recording.export",
            object=f"connector:{connector}",
            now=now,
            detail={"format": format, "texts": texts},
        )
    return await asyncio.to_thread(_written, recorder, format, texts)


def _written(recorder: Recording, format: str, texts: bool) -> bytes:
    if format == "scenario":
        return recorder.scenario().encode()
    return recorder.pcap(texts) if format == "pcap" else b"".join(recorder.jsonl(texts))
