"""Where exports are kept: a folder, or a bucket of S3-compatible storage. An object is there whole or not at all.

The same name again replaces what was there, so that a try after a crash leaves no second copy. For a bucket the export
is first written to a file, because its parts must have a known size: https://docs.aws.amazon.com/AmazonS3/latest/API/
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import quote

from heliograph.core import sigv4
from heliograph.ports import Answer, WebCall

_PART_BYTES: Final = 8 * 1_048_576  # of an upload in parts; S3 takes 10,000 of them, of 5 MB or more
_TIMEOUT_S: Final = 120.0
_UPLOAD_ID: Final = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_LISTED: Final = 200  # parts in one answer: of an answer 64 kB are read
_LISTED_PART: Final = re.compile(rb"<PartNumber>(\d+)</PartNumber>.*?<ETag>(.*?)</ETag>", re.DOTALL)
_PART: Final = b"<Part><PartNumber>%b</PartNumber><ETag>%b</ETag></Part>"
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class NotKept(Exception):
    """A place did not take an object; the text says why."""


class Place(Protocol):
    """Keeps objects by their names."""

    async def keep(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Raises `NotKept`, or OSError."""
        ...


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        target = self._path / name
        await asyncio.to_thread(target.parent.mkdir, 0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        await spool(part, pieces)
        await asyncio.to_thread(_rename, part, target)


async def spool(path: Path, pieces: AsyncIterator[bytes]) -> None:
    """Write a file, to the disk itself."""
    with await asyncio.to_thread(path.open, "wb") as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(_sync, file)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _rename(part: Path, target: Path) -> None:
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Bucket:
    """A bucket, addressed by path, which every kind of such storage understands."""

    def __init__(
        self,
        call: WebCall,
        url: str,
        bucket: str,
        credentials: sigv4.Credentials,
        now_ms: Callable[[], int],
        folder: Path,
        part_bytes: int = _PART_BYTES,
    ) -> None:
        """`folder`: where an export lies until it is uploaded."""
        self._call = call
        self._url = f"{url.rstrip('/')}/{bucket}"
        self._credentials = credentials
        self._now_ms = now_ms
        self._folder = folder
        self._part_bytes = part_bytes

    async def keep(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        await asyncio.to_thread(self._folder.mkdir, 0o700, parents=True, exist_ok=True)
        file = self._folder / f"{hashlib.sha256(f'{self._url}/{name}'.encode()).hexdigest()[:32]}.part"
        try:
            await spool(file, pieces)
            await self._upload(f"{self._url}/{quote(name)}", file)
        finally:
            await asyncio.to_thread(file.unlink, missing_ok=True)

    async def _upload(self, url: str, file: Path) -> None:
        with await asyncio.to_thread(file.open, "rb") as content:
            first = await asyncio.to_thread(content.read, self._part_bytes)
            if len(first) < self._part_bytes:
                await self._ask("PUT", url, first)
                return
            await self._in_parts(url, first, content)

    async def _in_parts(self, url: str, part: bytes, content: IO[bytes]) -> None:
        began = await self._ask("POST", f"{url}?uploads=")
        found = _UPLOAD_ID.search(began.body)
        if found is None:
            raise NotKept("the storage began no upload")
        upload = quote(found[1].decode(), safe="")
        count = 0
        try:
            while part:
                count += 1
                await self._ask("PUT", f"{url}?partNumber={count}&uploadId={upload}", part)
                part = await asyncio.to_thread(content.read, self._part_bytes)
            listed = b"".join([_PART % tag async for tag in self._parts(url, upload, count)])
            body = b"<CompleteMultipartUpload>%b</CompleteMultipartUpload>" % listed
            ended = await self._ask("POST", f"{url}?uploadId={upload}", body)
            if b"<Error>" in ended.body:  # a 200 may bring one here
                raise NotKept(_reason(ended))
        except BaseException:
            await asyncio.shield(self._ask("DELETE", f"{url}?uploadId={upload}", fails=False))
            raise

    async def _parts(self, url: str, upload: str, count: int) -> AsyncIterator[tuple[bytes, bytes]]:
        """What the storage calls its parts: (number, tag); how it makes the tags is its own affair."""
        last = 0
        while last < count:
            query = f"max-parts={_LISTED}&part-number-marker={last}&uploadId={upload}"
            found = _LISTED_PART.findall((await self._ask("GET", f"{url}?{query}")).body)
            if not found:
                raise NotKept("the storage does not list the parts that it took")
            for number, tag in found:
                yield number, tag
            last = int(found[-1][0])

    async def _ask(self, method: str, url: str, body: bytes = b"", *, fails: bool = True) -> Answer:
        checksum = sigv4.digest(body)
        headers = {"X-Amz-Content-Sha256": checksum}
        headers = sigv4.signed(method, url, headers, checksum, self._credentials, self._now_ms())
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not answered.done():  # the caller may have been cancelled
                answered.set_result(answer)

        self._call(method, url, headers, body, _TIMEOUT_S, done)
        answer = await answered
        if fails and answer.status // 100 != 2:
            raise NotKept(_reason(answer))
        return answer


def _reason(answer: Answer) -> str:
    if not answer.status:
        return f"no answer: {answer.detail}"
    code = _CODE.search(answer.body)
    return f"the storage answered {answer.status}{f' {code[1].decode()}' if code else ''}"
