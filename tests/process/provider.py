"""Twilio as far as a gateway sees it, in a thread: takes texts, reports what becomes of them, and fails as it is told.

What it does with a text is a `Play`; each number may have plays of its own, one for each text to it. It signs its calls
by arithmetic of its own, so that a mistake in ours does not prove itself.
"""

import asyncio
import hmac
import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

REPORTS = ("queued", "sent", "delivered")
OPTED_OUT = 21610
_LINGER = struct.pack("ii", 1, 0)  # a close is a reset


class Play(NamedTuple):
    """What becomes of one text."""

    status: int = 201
    code: int | None = None  # Twilio's own, when it says no
    retry_after: int | None = None
    delay_s: float = 0.0  # before it answers
    resets: bool = False  # it reads the request, and hangs up
    price: str | None = None  # already known when it answers
    reports: tuple[str, ...] | None = None  # None: all of them, when the answer is a yes
    error: int | None = None  # why it is undelivered or failed
    reports_first: bool = False  # before the answer
    times: int = 1  # so often each report, at once
    secret: str | None = None  # signs reports with this instead

    @property
    def words(self) -> tuple[str, ...]:
        if self.reports is not None:
            return self.reports
        return REPORTS if self.status == 201 and not self.resets else ()


class Text(NamedTuple):
    """A text as it came."""

    sid: str
    form: Mapping[str, str]
    at: float  # by the monotonic clock
    play: Play

    @property
    def callback(self) -> str:
        return self.form["StatusCallback"]

    @property
    def ref(self) -> str:
        """Our reference, out of the callback's URL."""
        return parse_qs(urlsplit(self.callback).query)["ref"][0]


class Told(NamedTuple):
    """A call that was made to the gateway, and its answer."""

    sid: str
    word: str
    status: int
    body: bytes


def signature(secret: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """https://www.twilio.com/docs/usage/security#validating-requests"""
    signed = url + "".join(name + value for name, value in sorted(form))
    return b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()


def request(url: str, form: Iterable[tuple[str, str]], sign: str, *, close: bool = True) -> bytes:
    """A call to the gateway as it goes over the wire."""
    parts = urlsplit(url)
    body = urlencode(list(form)).encode()
    place = parts.path + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {place} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
        f"X-Twilio-Signature: {sign}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
    )
    return head.encode() + body


class Provider:
    """Listens on a port of its own."""

    account = "AC0123456789abcdef0123456789abcdef"
    token = "f4ke-auth-t0ken-of-twilio"

    def __init__(self, default: Play | None = None) -> None:
        self.default = default or Play()
        self.texts: list[Text] = []
        self.told: list[Told] = []
        self.asked: list[str] = []  # ids of messages of which somebody asked what became of them
        self.price: str | None = None  # what it says to that
        self.mute_s = 0.0  # and how long it takes
        self._plays: defaultdict[str, deque[Play]] = defaultdict(deque)
        self._states: dict[str, str] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Provider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # -- what a test asks

    def connector(self, name: str = "twilio", **settings: Any) -> str:
        """Its section in the gateway's file."""
        own = {"kind": "twilio", "base_url": self.url, "account_sid": self.account, "auth_token": self.token}
        lines = [f"{key} = {json.dumps(value)}" for key, value in (own | settings).items()]
        return "\n".join([f"[connectors.{name}]", *lines, ""])

    def plays(self, to: str, *plays: Play) -> None:
        """What becomes of the next texts to a number; of those after them, the usual."""
        self._plays[to].extend(plays)

    def sent_to(self, to: str) -> list[Text]:
        return [text for text in self.texts if text.form["To"] == to]

    def until(self, fits: Callable[["Provider"], bool], within_s: float = 15.0) -> None:
        """Wait until it has heard or told what is looked for."""
        end = time.monotonic() + within_s
        with self._changed:
            while not fits(self):
                left = end - time.monotonic()
                assert left > 0, f"{len(self.texts)} texts came, and the gateway was told {self.told}"
                self._changed.wait(left)

    def until_sent(self, to: str, count: int = 1, within_s: float = 15.0) -> list[Text]:
        self.until(lambda provider: len(provider.sent_to(to)) >= count, within_s)
        return self.sent_to(to)

    def report(self, text: Text, word: str, *, error: int | None = None, secret: str | None = None) -> Told:
        """Call the gateway now."""
        told = self._report(text, word, error, secret or self.token)
        return asyncio.run_coroutine_threadsafe(told, self._loop).result(30)

    def post(self, url: str, form: Mapping[str, str]) -> Told:
        """Any other call, signed."""
        pairs = list(form.items())
        told = self._post("", "", url, pairs, signature(self.token, url, pairs))
        return asyncio.run_coroutine_threadsafe(told, self._loop).result(30)

    # -- its thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self._listen())
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def _close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = first.split(" ")
                if not await self._answer(method, path, headers, body, writer):
                    break
        self._writers.discard(writer)
        writer.close()

    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """False: the connection is over."""
        place = f"/2010-04-01/Accounts/{self.account}/Messages"
        login = b64encode(f"{self.account}:{self.token}".encode()).decode()
        if headers.get("authorization") != f"Basic {login}":
            _write(writer, 401, {"code": 20003, "message": "Authenticate", "status": 401})
        elif method == "POST" and path == f"{place}.json":
            return await self._take(dict(parse_qsl(body.decode())), writer)
        elif method == "GET" and path.startswith(f"{place}/"):
            await self._tell(path.removeprefix(f"{place}/").removesuffix(".json"), writer)
        else:
            _write(writer, 404, {"code": 20404, "message": "Not found", "status": 404})
        return True

    async def _take(self, form: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        waiting = self._plays[form["To"]]
        play = waiting.popleft() if waiting else self.default
        text = Text(f"SM{len(self.texts):032x}", form, time.monotonic(), play)
        with self._changed:
            self.texts.append(text)
            self._changed.notify_all()
        self._states[text.sid] = "queued"
        if play.reports_first:
            await self._report_all(text)
        if play.delay_s:
            await asyncio.sleep(play.delay_s)
        if play.resets:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            writer.transport.abort()
        elif play.status == 201:
            price = {"price": play.price, "price_unit": "USD"}
            _write(writer, 201, {"sid": text.sid, "status": "queued", "num_segments": "1", "error_code": None, **price})
        else:
            said = {"code": play.code, "message": "as it was told", "status": play.status}
            _write(writer, play.status, said if play.code is not None else None, play.retry_after)
        if not play.reports_first and play.words:
            task = asyncio.create_task(self._report_all(text))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return not play.resets

    async def _tell(self, sid: str, writer: asyncio.StreamWriter) -> None:
        with self._changed:
            self.asked.append(sid)
            self._changed.notify_all()
        if self.mute_s:
            await asyncio.sleep(self.mute_s)
        state = self._states.get(sid)
        if state is None:
            _write(writer, 404, {"code": 20404, "message": "Not found", "status": 404})
        else:
            price = self.price if state == "delivered" else None
            said = {"sid": sid, "status": state, "num_segments": "1", "error_code": None}
            _write(writer, 200, {**said, "price": price, "price_unit": "USD"})

    def arrives(self, text: Text) -> None:
        """A text reaches its phone, and nobody is told."""
        self._states[text.sid] = "delivered"

    async def _report_all(self, text: Text) -> None:
        play = text.play
        for word in play.words:
            secret = play.secret or self.token
            await asyncio.gather(*(self._report(text, word, play.error, secret) for _ in range(play.times)))

    async def _report(self, text: Text, word: str, error: int | None, secret: str) -> Told:
        self._states[text.sid] = word
        form = report_of(self.account, text.sid, word, to=text.form["To"], error=error)
        return await self._post(text.sid, word, text.callback, form, signature(secret, text.callback, form))

    async def _post(self, sid: str, word: str, url: str, form: list[tuple[str, str]], sign: str) -> Told:
        status, body = 0, b""
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the gateway is gone: nothing was heard
            parts = urlsplit(url)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(request(url, form, sign))
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            status = int(head.split(b" ")[1]) if head else 0
            writer.close()
        told = Told(sid, word, status, body)
        with self._changed:
            self.told.append(told)
            self._changed.notify_all()
        return told


def report_of(account: str, sid: str, word: str, *, to: str, error: int | None = None) -> list[tuple[str, str]]:
    """What a status callback says."""
    form = {"SmsSid": sid, "SmsStatus": word, "MessageStatus": word, "To": to, "MessageSid": sid}
    form |= {"AccountSid": account, "From": "+15005550006", "ApiVersion": "2010-04-01"}
    if error is not None:
        form |= {"ErrorCode": str(error), "ChannelStatusMessage": "as it was told"}
    return list(form.items())


def _write(writer: asyncio.StreamWriter, status: int, said: object, retry_after: int | None = None) -> None:
    body = b"<html>not now</html>" if said is None else json.dumps(said).encode()
    pause = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    kind = "text/html" if said is None else "application/json"
    head = f"HTTP/1.1 {status} As told\r\nContent-Type: {kind}\r\n{pause}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
