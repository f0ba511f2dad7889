"""The examples of docs/smpp.md, as they stand there: client and server talk to each other on loopback."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from heliograph.smpp import session

PAGE: Final = (Path(__file__).parents[2] / "docs/smpp.md").read_text("utf-8")
SECTIONS: Final = {
    title: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for title, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def defined(title: str) -> dict[str, Any]:
    """What the one example of a section defines."""
    [code] = SECTIONS[title]
    names: dict[str, Any] = {"__name__": f"docs.smpp: {title}"}
    exec(compile(code, title, "exec"), names)
    return names


async def talk(ask: Callable[[int], Coroutine[Any, Any, dict[str, str]]], protocol: type[asyncio.Protocol]) -> Any:
    async with await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0) as server:
        found = await asyncio.wait_for(ask(server.sockets[0].getsockname()[1]), 10)
        await asyncio.sleep(0.05)  # until the server has seen the end, too
    return found


def test_every_example_is_run_here() -> None:
    assert {title for title, examples in SECTIONS.items() if examples} == {"A client", "A server", "PDUs by hand"}
    assert PAGE.count("```python") == 3


@pytest.mark.parametrize("title", ["A client", "A server"])
def test_an_example_is_short(title: str) -> None:
    assert len(SECTIONS[title][0].splitlines()) < 50


def test_client_and_server_understand_each_other() -> None:
    client, server = defined("A client"), defined("A server")
    texts = {f"4477009001{number:02}": f"Text {number}".encode() for number in range(25)}  # more than the window
    found = asyncio.run(talk(lambda port: client["send"]("127.0.0.1", port, "secret", texts), server["Server"]))
    assert found == dict.fromkeys(texts, "DELIVRD")


def test_a_wrong_password_sends_nothing() -> None:
    client, server = defined("A client"), defined("A server")
    taken: list[Any] = []

    server["Server"].take = lambda self, pdu: taken.append(pdu)
    send = client["send"]
    assert asyncio.run(talk(lambda port: send("127.0.0.1", port, "guess", {"1": b"Hi"}), server["Server"])) == {}
    assert taken == []


def test_pdus_by_hand_are_as_the_page_says() -> None:
    assert defined("PDUs by hand")["seen"]


NAMED: Final = re.findall(r"^\| `(\w+)(?:\(.*?\))?` \|", PAGE, re.MULTILINE)


def test_the_page_names_every_module() -> None:
    modules = {path.stem for path in Path(str(session.__file__)).parent.glob("*.py")} - {"__init__"}
    assert modules == {name for name in NAMED if name.islower()}


def test_the_page_names_every_event() -> None:
    assert {event.__name__ for event in get_args(session.Event)} == {name for name in NAMED if not name.islower()}
