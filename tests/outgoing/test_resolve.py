"""Names: looked up once, judged always, and connected to exactly as judged."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from heliograph.outgoing.guard import Guard
from heliograph.outgoing.resolve import Lookup, Resolver
from heliograph.outgoing.url import Target, Unreachable, target
from tests.outgoing.conftest import Run
from tests.outgoing.server import Sender, Server


class LateLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Names:
    """A name server of the test's own."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        await asyncio.sleep(0)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, OSError):
            raise answer
        return answer


def _target(url: str = "http://example.com/") -> Target:
    to = target(url)
    assert isinstance(to, Target)
    return to


def _resolver(lookup: Lookup | None, guard: Guard | None = None) -> Resolver:
    return Resolver(asyncio.get_running_loop(), guard or Guard(), lookup)


@pytest.mark.parametrize(
    ("found", "good"),
    [
        (["8.8.8.8"], ["8.8.8.8"]),
        (["8.8.8.8", "10.0.0.1"], ["8.8.8.8"]),
        (["127.0.0.1", "2606:4700::1111", "::1"], ["2606:4700::1111"]),
        (
            ["1.1.1.1"] * 3 + [f"8.8.8.{n}" for n in range(9)],
            ["1.1.1.1"] * 3 + ["8.8.8.0", "8.8.8.1", "8.8.8.2"],
        ),
    ],
)
def test_only_the_public_addresses_of_a_name_are_called(found: list[str], good: list[str]) -> None:
    async def test() -> None:
        assert await _resolver(Names(found)).addresses(_target()) == good

    asyncio.run(test())


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (["10.0.0.1"], "blocked_address"),
        (["127.0.0.1", "::1", "169.254.169.254"], "blocked_address"),
        (["fe80::1%eth0"], "blocked_address"),
        (["::ffff:10.0.0.1"], "blocked_address"),
        ([], "dns_failed"),
        (OSError(-2, "Name or service not known"), "dns_failed"),
    ],
)
def test_a_name_without_public_address_is_not_called(found: list[str] | OSError, reason: str) -> None:
    async def test() -> None:
        with pytest.raises(Unreachable) as caught:
            await _resolver(Names(found)).addresses(_target())
        assert caught.value.reason == reason
        assert "example.com" in caught.value.detail

    asyncio.run(test())


def test_many_who_ask_at_once_share_one_look_up() -> None:
    async def test() -> None:
        names = Names(["8.8.8.8"])
        resolver = _resolver(names)
        found = await asyncio.gather(*[resolver.addresses(_target()) for _ in range(50)])
        assert found == [["8.8.8.8"]] * 50
        assert names.asked == ["example.com"]

    asyncio.run(test())


def test_who_gives_up_waiting_does_not_end_the_look_up_for_others() -> None:
    async def test() -> None:
        resolver = _resolver(Names(["8.8.8.8"]))
        first = asyncio.create_task(resolver.addresses(_target()))
        second = asyncio.create_task(resolver.addresses(_target()))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ["8.8.8.8"]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("first", "kept_s"), [(["8.8.8.8"], 30.0), (["10.0.0.1"], 30.0), (OSError("no such name"), 5.0)]
)
def test_an_answer_is_kept_for_a_short_while_and_judged_anew(first: list[str] | OSError, kept_s: float) -> None:
    loop = LateLoop()

    async def ask(resolver: Resolver) -> str:
        try:
            return (await resolver.addresses(_target()))[0]
        except Unreachable as error:
            return error.reason

    async def test() -> None:
        names = Names(first, ["127.0.0.1"], ["1.1.1.1"])
        resolver = _resolver(names)
        before = await ask(resolver)
        loop.ahead_s += kept_s - 1
        assert (await ask(resolver), len(names.asked)) == (before, 1)
        loop.ahead_s += 2
        assert (await ask(resolver), len(names.asked)) == ("blocked_address", 2)  # rebound: judged again
        loop.ahead_s += 31
        assert (await ask(resolver), len(names.asked)) == ("1.1.1.1", 3)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(test())


def test_a_literal_address_is_never_looked_up() -> None:
    async def test() -> None:
        names = Names(OSError("not to be asked"))
        assert await _resolver(names).addresses(_target("http://8.8.8.8/")) == ["8.8.8.8"]
        with pytest.raises(Unreachable, match="blocked_address"):
            await _resolver(names).addresses(_target("http://[::1]/"))

    asyncio.run(test())


def test_the_system_is_asked_by_default(run: Run) -> None:
    async def test() -> None:
        async with Server() as server, Sender() as sender:
            assert (await sender.post(server.target(host="localhost"))).status == 200
            assert f"\r\nhost: localhost:{server.port}\r\n" in server.requests[0].head
            answer = await sender.post(server.target(host="no-such-name.invalid"))
            assert answer.reason == "dns_failed"
            answer = await sender.post(server.target(host="a" * 63 + ".invalid"))
            assert answer.reason == "dns_failed"

    run(test())


def test_the_socket_goes_to_a_judged_address_and_no_other(run: Run) -> None:
    async def test() -> None:
        names = Names(["127.0.0.1", "127.0.0.2"], ["127.0.0.1"])
        async with Server(host="127.0.0.1") as inside, Server(host="127.0.0.2") as outside:
            async with Sender(lookup=names, allow_networks=[ip_network("127.0.0.2/32")]) as sender:
                assert (await sender.post(outside.target(host="two.example"))).status == 200
                answer = await sender.post(inside.target(host="two.example"))
                assert answer.reason == "connect_failed"  # nobody listens on that port of the judged address
                assert (await sender.post(inside.target())).reason == "blocked_address"
            assert (inside.connections, outside.connections) == (0, 1)

    run(test())


def test_the_next_address_is_tried_when_one_refuses(run: Run) -> None:
    async def test() -> None:
        async with (
            Server(host="127.0.0.2") as server,
            Sender(lookup=Names(["127.0.0.1", "127.0.0.2"])) as sender,
        ):
            assert (await sender.post(server.target(host="two.example"))).status == 200

    run(test())
