"""A wire between a ledger and its PostgreSQL that a test can cut, at the very moment that it wants."""

import asyncio
from pathlib import Path
from types import TracebackType


class Proxy:
    """Passes bytes on until told otherwise."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._cut_at: bytes | None = None
        self._deliver = False
        self.refusing = False
        self.was_cut = asyncio.Event()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def url(self, database: str) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable"

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def cut_at(self, words: bytes, *, deliver: bool) -> None:
        """Cut the wire once, when these words come by: before the server gets them, or before its answer gets back."""
        self._cut_at, self._deliver = words, deliver

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(str(self._socket))
        self._writers |= {writer, server_writer}
        answering = asyncio.create_task(self._pass(server_reader, writer))
        while data := await _read(reader):
            if self._cut_at is not None and self._cut_at in data:
                self._cut_at = None
                answering.cancel()
                await asyncio.wait([answering])  # it lets go of the stream only when it has ended
                if self._deliver:
                    server_writer.write(data)
                    await _read(server_reader)
                self.was_cut.set()
                self.cut()
                break
            server_writer.write(data)
        server_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await _read(reader):
            writer.write(data)
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 16)
    except ConnectionError:
        return b""
