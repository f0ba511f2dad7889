"""Web push over the API: a browser's subscription, a notification that only this browser can read, and its end."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from heliograph.carriers.webpush.vapid import octets_of, private_key, public_key, unpadded
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
CONFIG = f"""
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.browsers]
kind = "webpush"
private_key = "{KEY}"
subject = "mailto:ops@acme.example"
[connectors.quick]
kind = "sandbox"
[[routes]]
name = "browsers"
match = {{ channel = "webpush" }}
via = ["browsers"]
[[routes]]
name = "all"
via = ["quick"]
"""


class Browser:
    """Keys of its own; reads what is meant for it, as the standard tells it to."""

    def __init__(self) -> None:
        self.key = generate_private_key(SECP256R1())
        self.secret = b"sixteen octets!!"

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def subscription(self, endpoint: str) -> dict[str, Any]:
        keys = {"p256dh": unpadded(self.point), "auth": unpadded(self.secret)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def read(self, heard: Heard) -> dict[str, Any]:
        body = heard.body
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        point, sealed = body[21 : 21 + length], body[21 + length :]
        assert size == 4_096 and len(sealed) <= size
        shared = self.key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point))
        material = derived(shared, self.secret, b"WebPush: info\0" + self.point + point, 32)
        key = derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
        plain = AESGCM(key).decrypt(derived(material, salt, b"Content-Encoding: nonce\0", 12), sealed, None)
        assert plain[-1:] == b"\x02"
        found: dict[str, Any] = json.loads(plain[:-1])
        return found


def derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("push"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def manager(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


def subscribe(api: Api, browser: Browser, endpoint: str, **more: Any) -> str:
    answer = api("POST", "/v1/push-subscriptions", browser.subscription(endpoint) | more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def notify(api: Api, to: str, **more: Any) -> dict[str, Any]:
    body = {"channel": "webpush", "to": to, "text": "It has left.", "content": {"title": "Your order"}, **more}
    answer = api("POST", "/v1/messages", body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_only_the_browser_reads_its_notification(manager: Api) -> None:
    browser = Browser()
    with Sink(lambda heard: 201) as service:
        to = subscribe(manager, browser, f"{service.url}/push/1", user_agent="Firefox")
        content = {"title": "Your order", "url": "https://acme.example/o/1", "tag": "order-1"}
        sent = notify(manager, to, content=content, valid_for="1h", kind="otp")
        (heard,) = service.until(lambda all_: bool(all_))
    assert manager.until(sent["id"], "sent")["connector"] == "browsers"
    shown = browser.read(heard)
    assert shown == {"title": "Your order", "body": "It has left.", "id": sent["id"]} | content
    assert heard.headers["content-encoding"] == "aes128gcm"
    assert (heard.headers["urgency"], heard.headers["topic"]) == ("high", "order-1")
    assert 3_500 <= int(heard.headers["ttl"]) <= 3_600
    named = manager("GET", "/v1/push-key").json()["public_key"]
    assert heard.headers["authorization"].startswith("vapid t=") and heard.headers["authorization"].endswith(named)


def test_a_browser_that_is_gone_is_not_written_to_again(manager: Api) -> None:
    with Sink(lambda heard: 410) as service:
        to = subscribe(manager, Browser(), f"{service.url}/push/2")
        error = manager.until(notify(manager, to)["id"], "failed")["error"]
        assert (error["failure"], error["code"], error["carrier_code"]) == ("permanent", "subscription_gone", "410")
        end = time.monotonic() + 5
        while manager("GET", f"/v1/push-subscriptions/{to}").json()["status"] != "gone":
            assert time.monotonic() < end
            time.sleep(0.02)
        assert manager.until(notify(manager, to)["id"], "failed")["error"]["carrier_code"] is None
        assert len(service.heard) == 1


@pytest.mark.parametrize(
    ("status", "failure", "code"),
    [(413, "content", "too_large"), (403, "permanent", "refused_by_carrier"), (400, "permanent", "refused_by_carrier")],
)
def test_what_a_service_says_has_its_class(manager: Api, status: int, failure: str, code: str) -> None:
    with Sink(lambda heard: status) as service:
        to = subscribe(manager, Browser(), f"{service.url}/push/3")
        error = manager.until(notify(manager, to)["id"], "failed")["error"]
    assert (error["failure"], error["code"]) == (failure, code)


def test_keys_that_are_none_and_addresses_within_are_refused(manager: Api, server: Server) -> None:
    bad = {"endpoint": "http://10.0.0.1/push", "keys": Browser().subscription("")["keys"]}
    assert manager("POST", "/v1/push-subscriptions", bad).json()["code"] == "bad_url"
    with Sink() as service:
        keys = {"p256dh": unpadded(b"\x04" + bytes(64)), "auth": unpadded(bytes(16))}
        answer = manager("POST", "/v1/push-subscriptions", {"endpoint": service.url, "keys": keys})
        error = manager.until(notify(manager, answer.json()["id"])["id"], "failed")["error"]
    assert error["code"] == "bad_subscription"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"to": "push_nothing"}, "bad_address", "/to"),
        ({"to": "+447400100200"}, "bad_address", "/to"),
        ({"content": {}}, "missing_field", "/content/title"),
        ({"content": {"title": "Hi", "url": "http://acme.example"}}, "bad_content", "/content/url"),
        ({"content": {"title": "Hi", "tag": "a b"}}, "bad_content", "/content/tag"),
        ({"sender": "Acme"}, "bad_sender", "/sender"),
    ],
)
def test_what_a_notification_can_not_take_is_refused(
    manager: Api, change: dict[str, Any], code: str, pointer: str
) -> None:
    to = subscribe(manager, Browser(), "http://127.0.0.1:9/push")
    body = {"channel": "webpush", "to": to, "text": "Hi", "content": {"title": "Hi"}}
    refused = manager("POST", "/v1/messages", body | change)
    assert refused.status_code == 422, refused.text
    assert (refused.json()["code"], refused.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_subscription_is_a_contacts_address_for_plans_and_for_a_no(manager: Api) -> None:
    contact = manager("POST", "/v1/contacts", {"addresses": ["+447400100801"]}).json()["id"]
    browser = Browser()
    with Sink(lambda heard: 201) as service:
        to = subscribe(manager, browser, f"{service.url}/push/4", contact=contact)
        plan = [{"channel": "webpush", "content": {"title": "Hello"}, "until": "sent"}]
        answer = manager("POST", "/v1/messages", {"to": "+447400100801", "text": "By push", "plan": plan})
        assert answer.json()["steps"][0]["to"] == to
        (heard,) = service.until(lambda all_: bool(all_))
        assert browser.read(heard)["body"] == "By push"
        manager("POST", "/v1/consents", {"to": "+447400100801", "action": "opt_out"})
        body = {"channel": "webpush", "to": to, "text": "More", "content": {"title": "Hello"}}
        assert manager("POST", "/v1/messages", body).json()["code"] == "opted_out"
    assert manager("POST", "/v1/people/erase", {"number": "+447400100801"}).status_code == 200
    assert manager("GET", f"/v1/push-subscriptions/{to}").status_code == 404


def test_a_subscription_can_be_forgotten(manager: Api) -> None:
    to = subscribe(manager, Browser(), "http://127.0.0.1:9/push")
    assert manager("DELETE", f"/v1/push-subscriptions/{to}").status_code == 200
    assert manager("DELETE", f"/v1/push-subscriptions/{to}").status_code == 404
    assert manager.until(notify(manager, to)["id"], "failed")["error"]["code"] == "subscription_gone"


def test_the_key_that_browsers_subscribe_with_is_the_connectors(manager: Api) -> None:
    assert manager("GET", "/v1/push-key").json() == {
        "connector": "browsers",
        "public_key": public_key(private_key(KEY)),
    }
    assert len(octets_of(manager("GET", "/v1/push-key").json()["public_key"])) == 65
