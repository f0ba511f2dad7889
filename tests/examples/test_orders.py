"""The shop: shipped, texted, shown in the portal; by e-mail if the text fails, once."""

import re
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any, NamedTuple

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Reading

from tests.examples.running import SECRET, certify, environ, running
from tests.process.server import Api, Server, free_port

pytest.importorskip("flask")


class Postbox(Reading):
    """A mail server's letters."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.letters.append(message)

    def to(self, address: str) -> list[Message]:
        return [letter for letter in self.letters if letter["To"] == address]


class Shop(NamedTuple):
    url: str
    post: Postbox


@pytest.fixture(scope="module")
def shop(server: Server, key: str, admin: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port, post, mail_port = tmp_path_factory.mktemp("orders"), free_port(), Postbox(), free_port()
    controller: Any = Controller(post, hostname="127.0.0.1", port=mail_port)
    controller.start()
    variables = environ(folder, server, key, SMTP=f"127.0.0.1:{mail_port}")
    url = f"http://127.0.0.1:{port}"
    endpoint = {"name": "shop", "url": f"{url}/hooks/heliograph", "events": ["message.*"], "secret": SECRET}
    assert admin("POST", "/v1/endpoints", endpoint).status_code == 201
    with running(folder, variables, url, "-m", "flask", "--app", "examples/orders/app.py", "run", "--port", str(port)):
        yield Shop(url, post)
    controller.stop()


def order(shop: Shop, number: str, phone: str) -> str:
    body = {"id": number, "phone": phone, "email": f"{number}@example.com"}
    assert requests.post(f"{shop.url}/orders", data=body, timeout=10).status_code == 201
    return f"{shop.url}/orders/{number}"


def shown(page: str, wanted: str) -> str:
    """The order's page, once it says so."""
    end = time.monotonic() + 20
    while wanted not in (text := requests.get(page, timeout=5).text):
        assert time.monotonic() < end, text
        time.sleep(0.05)
    return text


def test_what_was_shipped_is_shown_as_delivered(shop: Shop) -> None:
    page = order(shop, "1742", "+447700900123")
    assert "Ship it" in shown(page, "Order 1742")
    requests.post(f"{page}/ship", timeout=10)
    assert "e-mail" not in shown(page, "<b>delivered</b>")
    assert shop.post.to("1742@example.com") == []


def test_shipping_twice_texts_once(shop: Shop, admin: Api) -> None:
    page = order(shop, "1743", "+447700900123")
    for _ in range(2):
        requests.post(f"{page}/ship", timeout=10)
    shown(page, "<b>delivered</b>")
    found = admin("GET", "/v1/messages?correlation_id=1743").json()["data"]
    assert [one["text"] for one in found] == ["Your order 1743 has left our house."]


@pytest.mark.parametrize(("number", "phone"), [("1744", "+447700900101"), ("1745", "0770")])
def test_who_can_not_be_texted_gets_one_mail(shop: Shop, admin: Api, number: str, phone: str) -> None:
    page = order(shop, number, phone)
    requests.post(f"{page}/ship", timeout=10)
    shown(page, f"an e-mail went to {number}@example.com")
    if number == "1744":  # what is told again is no news
        [message] = admin("GET", f"/v1/messages?correlation_id={number}").json()["data"]
        admin("POST", "/v1/endpoints/shop/replay", {"messages": [message["id"]]})
    end = time.monotonic() + 10
    while not (letters := shop.post.to(f"{number}@example.com")):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert [re.sub(r"\s+", " ", str(letter["Subject"])) for letter in letters] == [f"Your order {number}"]


def test_a_forged_event_changes_nothing(shop: Shop) -> None:
    page = order(shop, "1746", "+447700900123")
    body = '{"id": "evt_1", "type": "message.delivered", "data": {"status": "delivered", "correlation_id": "1746"}}'
    assert requests.post(f"{shop.url}/hooks/heliograph", data=body, timeout=5).status_code == 401
    assert "Ship it" in requests.get(page, timeout=5).text


def test_the_receiver_passes_every_case_of_a_bad_day(shop: Shop, server: Server) -> None:
    assert certify(server, f"{shop.url}/hooks/heliograph") == []
