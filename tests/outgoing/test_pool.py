"""The pool on real sockets: reuse, limits, deadlines, and that every request is answered exactly once."""

import asyncio
import socket
from collections import Counter
from random import Random

import pytest

from heliograph.outgoing.http1 import Answer
from heliograph.outgoing.origin import WAITING_MAX
from heliograph.outgoing.url import Target, target
from tests.outgoing.conftest import Run
from tests.outgoing.server import OK, Peer, Script, Sender, Server, answer_ok, answering, keep_silent


def test_a_post_arrives_as_it_was_given_and_its_answer_comes_back(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender() as sender:
            answer = await sender.post(server.target("/hook?a=b"), b'{"x":1}')
            assert (answer.status, answer.reason, answer.body) == (200, "ok", b"ok")
            assert 0 <= answer.latency_ms < 30_000
            assert server.requests[0].body == b'{"x":1}'
            assert server.requests[0].head == (
                f"POST /hook?a=b HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\n"
                "content-type: application/json\r\ncontent-length: 7\r\n\r\n"
            )

    run(test())


def test_connections_are_kept_alive_and_the_last_used_is_taken_first(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender() as sender:
            await asyncio.gather(*[sender.start(server.target()) for _ in range(3)])
            after_burst = server.connections
            for _ in range(20):
                assert (await sender.post(server.target())).status == 200
            assert server.connections == after_burst <= 3
            assert len({got.connection for got in server.requests[-20:]}) == 1

    run(test())


def test_a_thousand_posts_share_few_connections_and_each_is_answered_once(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender(max_connections_per_origin=4) as sender:
            answers = await asyncio.gather(*[sender.start(server.target(), b"%d" % n) for n in range(1000)])
            assert Counter(answer.reason for answer in answers) == {"ok": 1000}
            assert sorted(int(got.body) for got in server.requests) == list(range(1000))
            assert server.open_max <= 4
            assert len(sender.answers) == 1000

    run(test())


def test_a_connection_that_the_server_closed_while_idle_costs_nothing(run: Run) -> None:
    async def close_after_first(peer: Peer) -> bool:
        await peer.send(OK)
        return True

    async def test() -> None:
        async with Server(close_after_first) as server, Sender() as sender:
            for _ in range(5):
                assert (await sender.post(server.target())).status == 200
                await server.until(lambda server: server.open == 0)
            assert len(server.requests) == 5

    run(test())


def test_a_reused_connection_that_closes_before_any_answer_is_retried_once(run: Run) -> None:
    async def close_on_second(peer: Peer) -> bool:
        if peer.got.number == 2:
            return True
        await peer.send(OK)
        return False

    async def test() -> None:
        async with Server(close_on_second) as server, Sender() as sender:
            assert (await sender.post(server.target(), b"first")).status == 200
            assert (await sender.post(server.target(), b"second")).status == 200
            assert [(got.connection, got.body) for got in server.requests] == [
                (1, b"first"),
                (1, b"second"),
                (2, b"second"),
            ]

    run(test())


def test_a_retry_is_not_retried(run: Run) -> None:
    async def only_the_first(peer: Peer) -> bool:
        if peer.got.body == b"first":
            await peer.send(OK)
        return peer.got.body != b"first"

    async def test() -> None:
        async with Server(only_the_first) as server, Sender() as sender:
            await sender.post(server.target(), b"first")
            answer = await sender.post(server.target(), b"second")
            assert (answer.status, answer.reason) == (0, "reset")
            assert [got.body for got in server.requests] == [b"first", b"second", b"second"]

    run(test())


@pytest.mark.parametrize(
    "script", [answering(b"", close=True), answering(b"HTTP/1.1 200", close=True)], ids=["none", "begun"]
)
def test_a_fresh_connection_that_closes_is_not_retried(run: Run, script: Script) -> None:
    async def test() -> None:
        async with Server(script) as server, Sender() as sender:
            answer = await sender.post(server.target())
            assert (answer.status, answer.reason) == (0, "reset")
            assert len(server.requests) == 1

    run(test())


def test_an_answer_that_has_begun_is_not_retried(run: Run) -> None:
    async def half_on_second(peer: Peer) -> bool:
        await peer.send(OK if peer.got.number == 1 else OK[:20])
        return peer.got.number == 2

    async def test() -> None:
        async with Server(half_on_second) as server, Sender() as sender:
            await sender.post(server.target())
            assert (await sender.post(server.target())).reason == "reset"
            assert len(server.requests) == 2

    run(test())


def test_a_slow_answer_ends_at_its_deadline_and_never_reaches_the_next_request(run: Run) -> None:
    async def silent_for_slow(peer: Peer) -> None:
        await (keep_silent if peer.got.body == b"slow" else answer_ok)(peer)

    async def test() -> None:
        async with Server(silent_for_slow) as server, Sender(max_connections_per_origin=1) as sender:
            slow = sender.start(server.target(), b"slow", timeout_s=0.05)
            fast = sender.start(server.target(), b"fast")
            assert (await slow).reason == "timeout"
            assert (await fast).status == 200
            assert [(got.connection, got.body) for got in server.requests] == [(1, b"slow"), (2, b"fast")]

    run(test())


def test_a_request_that_waits_for_a_connection_has_its_own_deadline(run: Run) -> None:
    async def test() -> None:
        async with Server(keep_silent) as server, Sender(max_connections_per_origin=1) as sender:
            held = sender.start(server.target(), b"held", timeout_s=20)
            late = await sender.post(server.target(), b"late", timeout_s=0.05)
            assert (late.reason, late.detail) == ("busy", "no connection was free in time")
            assert not held.done()

    run(test())


def test_a_dead_server_delays_no_other(run: Run) -> None:
    async def test() -> None:
        async with (
            Server(keep_silent) as dead,
            Server() as alive,
            Sender(max_connections_per_origin=2) as sender,
        ):
            stuck = [sender.start(dead.target(), timeout_s=20) for _ in range(50)]
            answers = await asyncio.gather(*[sender.start(alive.target()) for _ in range(50)])
            assert {answer.status for answer in answers} == {200}
            assert not any(one.done() for one in stuck)

    run(test())


def test_too_many_waiting_requests_are_answered_busy(run: Run) -> None:
    async def test() -> None:
        async with Server(keep_silent) as server, Sender(max_connections_per_origin=1) as sender:
            held = sender.start(server.target(), timeout_s=20)
            await server.until(lambda server: len(server.requests) == 1)
            waiting = [sender.start(server.target(), timeout_s=20) for _ in range(WAITING_MAX)]
            assert (await sender.post(server.target())).reason == "busy"
            assert not held.done()
            assert not any(one.done() for one in waiting)

    run(test())


def test_when_no_connection_can_be_had_all_that_wait_are_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    to = target(f"http://127.0.0.1:{port}/")
    assert isinstance(to, Target)

    async def test() -> None:
        async with Sender(max_connections_per_origin=3) as sender:
            answers = await asyncio.gather(*[sender.start(to) for _ in range(10)])
            assert {answer.reason for answer in answers} == {"connect_failed"}
            assert "127.0.0.1" in answers[0].detail

    run(test())


def test_connecting_has_a_limit_of_its_own(run: Run) -> None:
    async def never(host: str, port: int) -> list[str]:
        found: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        return await found

    async def test() -> None:
        async with Server() as server, Sender(connect_timeout_s=0.05, lookup=never) as sender:
            answer = await sender.post(server.target(host="slow.example"))
            assert (answer.reason, answer.detail) == ("connect_failed", "no connection within 0.05 s")

    run(test())


def test_a_callback_that_raises_costs_nobody_else_an_answer(run: Run) -> None:
    async def test() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context["exception"]))
        async with Server() as server, Sender(max_connections_per_origin=2) as sender:

            def broken(answer: Answer) -> None:
                raise ZeroDivisionError

            for _ in range(10):
                sender.pool.post(server.target(), b"", b"broken", 5.0, broken)
            answers = await asyncio.gather(*[sender.start(server.target()) for _ in range(10)])
            assert {answer.status for answer in answers} == {200}
            assert [type(one) for one in complaints] == [ZeroDivisionError] * 10

    run(test())


@pytest.mark.parametrize("seed", range(5))
def test_whatever_servers_do_each_request_is_answered_once(run: Run, seed: int) -> None:
    chance = Random(seed)
    scripts: list[Script] = [
        answer_ok,
        answer_ok,
        answering(OK, close=True),
        answering(b"", close=True),
        answering(OK[:30], close=True),
        answering(b"garbage\r\n\r\n"),
        answering(OK + OK),
        answering(b"HTTP/1.0 200 OK\r\n\r\nold", close=True),
        keep_silent,
    ]

    async def anything(peer: Peer) -> bool | None:
        return await chance.choice(scripts)(peer)

    async def test() -> None:
        async with Server(anything) as one, Server(anything) as two, Sender(max_connections=5, age_s=0.05) as sender:
            starts = [sender.start(chance.choice([one, two]).target(), timeout_s=0.3) for _ in range(300)]
            answers = await asyncio.gather(*starts)
            assert {answer.reason for answer in answers} <= {"ok", "reset", "bad_answer", "timeout", "busy"}
            assert len(sender.answers) == 300

    run(test())


def test_a_defect_while_connecting_is_told_to_those_who_wait(run: Run) -> None:
    async def broken(host: str, port: int) -> list[str]:
        raise ZeroDivisionError

    async def test() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context["exception"]))
        async with Server() as server, Sender(lookup=broken, max_connections_per_origin=1) as sender:
            for count in range(1, 4):
                assert (await sender.post(server.target(host="name.example"))).reason == "connect_failed"
                assert [type(one) for one in complaints] == [ZeroDivisionError] * count

    run(test())


def test_a_callback_may_post_at_once(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender() as sender:
            last: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

            def again(answer: Answer) -> None:
                if len(server.requests) < 50:
                    sender.pool.post(server.target(), b"", b"", 5.0, again)
                else:
                    last.set_result(answer)

            sender.pool.post(server.target(), b"", b"", 5.0, again)
            assert (await last).status == 200
            assert server.connections == 1

    run(test())


def test_connections_of_all_origins_together_are_bounded(run: Run) -> None:
    async def test() -> None:
        async with Server() as one, Server() as two, Sender(max_connections=1) as sender:
            assert (await sender.post(one.target())).status == 200
            assert (await sender.post(two.target())).status == 200  # an idle one makes room
            await one.until(lambda server: server.open == 0)
            answers = await asyncio.gather(*[sender.start(to.target()) for to in (one, two) for _ in range(10)])
            assert {answer.status for answer in answers} == {200}
            assert one.open_max == two.open_max == 1

    run(test())


@pytest.mark.parametrize("setting", ["idle_s", "age_s"])
def test_idle_and_old_connections_are_closed(run: Run, setting: str) -> None:
    async def test() -> None:
        async with Server() as server, Sender(**{setting: 0.0}) as sender:
            assert (await sender.post(server.target())).status == 200
            await server.until(lambda server: server.open == 0)
            assert (await sender.post(server.target())).status == 200
            assert server.connections == 2

    run(test())


def test_a_busy_connection_grows_old_too(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender(age_s=0.0, max_connections_per_origin=1) as sender:
            answers = await asyncio.gather(*[sender.start(server.target()) for _ in range(5)])
            assert {answer.status for answer in answers} == {200}
            assert server.connections == 5

    run(test())


def test_closing_answers_what_is_still_open_and_refuses_what_comes_later(run: Run) -> None:
    async def test() -> None:
        async with Server(keep_silent) as server, Sender(max_connections_per_origin=1) as sender:
            open_ones = [sender.start(server.target(), timeout_s=20) for _ in range(3)]
            await server.until(lambda server: len(server.requests) == 1)
            opening = sender.start(server.target(host="localhost"), timeout_s=20)
            sender.pool.close()
            sender.pool.close()
            later = sender.start(server.target())
            answers = await asyncio.gather(*open_ones, opening, later)
            assert {answer.reason for answer in answers} == {"closed"}

    run(test())


def test_any_method_can_be_awaited(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender() as sender:
            url = f"http://127.0.0.1:{server.port}/thing"
            answer = await sender.pool.request("DELETE", url, {"X-Reason": "gone"}, b"", 5.0)
            assert answer.status == 200
            assert server.requests[0].head.startswith("DELETE /thing HTTP/1.1\r\n")
            assert "\r\nX-Reason: gone\r\n" in server.requests[0].head
            assert (await sender.pool.request("GET", "ftp://x/", {}, b"", 5.0)).reason == "bad_scheme"
            for method in ("HEAD", "CONNECT", "get", "GET / HTTP/1.1\r\nx: y\r\n\r\n"):
                with pytest.raises(ValueError, match="not a method"):
                    await sender.pool.request(method, url, {}, b"", 5.0)

    run(test())


def test_who_stops_waiting_disturbs_nobody(run: Run) -> None:
    async def answer_when_told(peer: Peer) -> None:
        await told.wait()
        await peer.send(OK)

    told = asyncio.Event()

    async def test() -> None:
        async with Server(answer_when_told) as server, Sender() as sender:
            url = f"http://127.0.0.1:{server.port}/"
            waiting = asyncio.create_task(sender.pool.request("GET", url, {}, b"", 5.0))
            await server.until(lambda server: len(server.requests) == 1)
            waiting.cancel()
            told.set()
            assert (await sender.pool.request("GET", url, {}, b"", 5.0)).status == 200

    run(test())
