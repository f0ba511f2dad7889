"""TLS: certificates are verified for the URL's host while the socket goes to the judged address."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
import trustme

from tests.outgoing.conftest import Run
from tests.outgoing.server import Sender, Server, answer_ok


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA) -> Iterator[str]:
    with ca.cert_pem.tempfile() as path:
        yield path


def _context(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def test_a_good_certificate_is_accepted_and_the_connection_kept(run: Run, ca: trustme.CA, ca_file: str) -> None:
    names: list[str | None] = []
    context = _context(ca.issue_cert("hook.example"))
    context.sni_callback = lambda _, name, __: names.append(name)

    async def test() -> None:
        async with Server(answer_ok, context) as server, Sender(ca_file=ca_file, lookup=_here) as sender:
            for _ in range(3):
                answer = await sender.post(server.target(host="Hook.Example.", scheme="https"), b"x" * 100_000)
                assert (answer.status, answer.reason, answer.body) == (200, "ok", b"ok")
            assert server.connections == 1
            assert names == ["hook.example"]
            assert server.requests[0].body == b"x" * 100_000

    run(test())


def test_an_address_in_the_certificate_is_accepted(run: Run, ca: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        async with (
            Server(answer_ok, _context(ca.issue_cert("127.0.0.1"))) as server,
            Sender(ca_file=ca_file) as sender,
        ):
            assert (await sender.post(server.target(scheme="https"))).status == 200

    run(test())


@pytest.mark.parametrize(
    ("case", "detail"),
    [("another name", "hook.example"), ("expired", "expired"), ("unknown CA", "unable to get local issuer")],
)
def test_a_bad_certificate_is_refused_before_anything_is_sent(
    run: Run, ca: trustme.CA, ca_file: str, case: str, detail: str
) -> None:
    cert = {
        "another name": lambda: ca.issue_cert("other.example"),
        "expired": lambda: ca.issue_cert("hook.example", not_after=datetime(2020, 1, 1, tzinfo=UTC)),
        "unknown CA": lambda: trustme.CA().issue_cert("hook.example"),
    }[case]()

    async def test() -> None:
        async with (
            Server(answer_ok, _context(cert)) as server,
            Sender(ca_file=ca_file, lookup=_here) as sender,
        ):
            answer = await sender.post(server.target(host="hook.example", scheme="https"))
            assert (answer.status, answer.reason) == (0, "tls_failed")
            assert detail in answer.detail
            assert not server.requests

    run(test())


def test_a_private_ca_is_not_trusted_unless_it_is_named(run: Run, ca: trustme.CA) -> None:
    async def test() -> None:
        async with (
            Server(answer_ok, _context(ca.issue_cert("hook.example"))) as server,
            Sender(lookup=_here) as sender,
        ):
            answer = await sender.post(server.target(host="hook.example", scheme="https"))
            assert answer.reason == "tls_failed"
            assert not server.requests

    run(test())


def test_a_server_without_tls_fails_by_name(run: Run) -> None:
    async def talk_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 This is HTTP\r\n\r\n")
        writer.close()

    async def test() -> None:
        async with await asyncio.start_server(talk_plainly, "127.0.0.1", 0) as server, Sender() as sender:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            answer = await sender.pool.request("POST", url, {}, b"", 5.0)
            assert (answer.reason, answer.detail) == ("tls_failed", "WRONG_VERSION_NUMBER")

    run(test())


@pytest.mark.parametrize("host", ["-.example", "xn--.example", "xn--zz-.example", "_", "a" * 63 + ".example"])
def test_an_odd_name_is_no_defect(run: Run, ca: trustme.CA, ca_file: str, host: str) -> None:
    async def test() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        async with Server(answer_ok, _context(ca.issue_cert("hook.example"))) as server:
            async with Sender(ca_file=ca_file, lookup=_here) as sender:
                assert (await sender.post(server.target(host=host, scheme="https"))).reason == "tls_failed"
            assert not complaints

    run(test())
