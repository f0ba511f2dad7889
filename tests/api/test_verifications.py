"""One-time codes over HTTP: what is sent, what a check tells and what it doesn't, what the guard keeps back."""

import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest

from heliograph.core import totp
from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 1]
[connectors.first]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.05"
currency = "EUR"
[connectors.mute]
kind = "sandbox"
receipts = false
[connectors.second]
kind = "sandbox"
receipt_delay_ms = 20
[[routes]]
name = "mute ones"
match = { prefix = "+4474009" }
via = ["mute", "second"]
[[routes]]
name = "all"
via = ["first", "second"]
"""
CONFIG = CONFIG.replace("receipts = false\n", "receipt_delay_ms = 3600000\n")
FREE = {"phone_per_hour": 0, "phone_per_day": 0, "near_per_10_minutes": 0, "prefix_per_10_minutes": 0}
FREE |= {"prefix_per_hour": 0}
WRONG = "000000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("verify"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def admin(shop: Server) -> Api:
    api = Api(shop, shop.key("admin"))
    declared = api.policy("verify", limits=FREE, pauses_s=[1])
    assert declared.status_code == 200, declared.text
    return api


@pytest.fixture(scope="module")
def numbers() -> Iterator[str]:
    return (f"+447400{serial:06}" for serial in range(0, 900_000, 1_009))


def start(api: Api, to: str, **more: Any) -> dict[str, Any]:
    answer = api("POST", "/v1/verifications", {"to": to, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def check(api: Api, verification: str, code: str) -> bool:
    answer = api("POST", f"/v1/verifications/{verification}/check", {"code": code})
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["is_approved"])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


def show(api: Api, verification: str) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/v1/verifications/{verification}").json()
    return found


def until(api: Api, verification: str, **wanted: Any) -> dict[str, Any]:
    end = time.monotonic() + 15
    while True:
        found = show(api, verification)
        if all(found[key] == value for key, value in wanted.items()):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_a_code_is_sent_and_right_once(admin: Api, numbers: Iterator[str]) -> None:
    to = next(numbers)
    made = start(admin, to, purpose="login", locale="de-AT")
    assert (made["status"], made["to"], made["country"], made["locale"]) == ("pending", to, "GB", "de")
    assert (made["sends"], made["sends_left"], made["checks_left"]) == (1, 4, 5)
    code = made["test_code"]
    assert len(code) == 6 and code.isdecimal()
    admin.until(made["message_id"], "delivered")
    assert not check(admin, made["id"], wrong(code))
    assert show(admin, made["id"])["checks_left"] == 4
    assert check(admin, made["id"], f" {code[:3]}-{code[3:]} ")
    assert not check(admin, made["id"], code)
    assert show(admin, made["id"])["status"] == "approved"


def test_after_too_many_wrong_codes_the_right_one_is_wrong_too(admin: Api, numbers: Iterator[str]) -> None:
    made = start(admin, next(numbers))
    answers = {check(admin, made["id"], wrong(made["test_code"])) for _ in range(5)}
    assert answers == {False}
    assert not check(admin, made["id"], made["test_code"])
    assert show(admin, made["id"])["status"] == "failed"


def test_wrong_expired_unknown_and_foreign_codes_get_the_same_answer(
    shop: Server, admin: Api, numbers: Iterator[str]
) -> None:
    live = Api(shop, shop.key("admin", environment="live"))
    made, done = start(admin, next(numbers)), start(admin, next(numbers))
    admin("POST", f"/v1/verifications/{done['id']}/cancel")
    nowhere = made["id"][:-4] + "0000"
    answers = [
        admin("POST", f"/v1/verifications/{made['id']}/check", {"code": wrong(made["test_code"])}),
        admin("POST", f"/v1/verifications/{done['id']}/check", {"code": done["test_code"]}),
        admin("POST", f"/v1/verifications/{nowhere}/check", {"code": WRONG}),
        admin("POST", "/v1/verifications/nonsense/check", {"code": WRONG}),
        live("POST", f"/v1/verifications/{made['id']}/check", {"code": made["test_code"]}),
    ]
    shown = {(answer.status_code, tuple(answer.json().items() - {("id", answer.json()["id"])})) for answer in answers}
    assert shown == {(200, (("is_approved", False),))}
    assert show(admin, made["id"])["checks_left"] == 4  # the foreign one did not count


def test_no_code_stands_in_messages_events_webhooks_or_the_log(
    shop: Server, admin: Api, numbers: Iterator[str], sink: Sink
) -> None:
    url = f"{sink.url}/hook"
    assert admin("POST", "/v1/endpoints", {"name": "codes", "url": url, "events": ["*"]}).status_code < 300
    made = start(admin, next(numbers))
    code = made["test_code"]
    admin.until(made["message_id"], "delivered")
    assert check(admin, made["id"], code)
    end = time.monotonic() + 15
    while not any("verification.approved" in one.body.decode() for one in sink.heard):
        assert time.monotonic() < end
        time.sleep(0.05)
    message = admin("GET", f"/v1/messages/{made['message_id']}")
    assert (message.json()["text"], message.json()["correlation_id"]) == (None, made["id"])
    seen = [message.text, admin("GET", f"/v1/messages?correlation_id={made['id']}").text]
    seen += [admin("GET", f"/v1/messages/{made['message_id']}/events").text, shop.log()]
    seen += [admin("GET", f"/v1/verifications/{made['id']}").text, admin("GET", "/v1/audit").text]
    seen += [one.body.decode() for one in sink.heard if made["id"] in one.body.decode()]
    digits = [text.replace(made["id"], "").replace(made["message_id"], "") for text in seen]
    assert len(seen) > 6 and not any(f'"{code}"' in text or f" {code} " in text for text in digits)
    admin("DELETE", "/v1/endpoints/codes")


def test_a_right_code_is_a_conversion_of_its_message(shop: Server, admin: Api, numbers: Iterator[str]) -> None:
    made = start(admin, next(numbers))
    admin.until(made["message_id"], "delivered")
    assert check(admin, made["id"], made["test_code"])
    told = admin("POST", f"/v1/messages/{made['message_id']}/conversion", {"kind": "verified"}).json()
    assert told["at"] == show(admin, made["id"])["ended_at"]  # it was there already, at that time


def test_without_a_receipt_the_next_step_takes_another_route(admin: Api) -> None:
    made = start(admin, "+447400900123", plan=[{"channel": "sms", "wait_s": 5}, {"channel": "sms"}])
    first = admin.until(made["message_id"], "sent")
    assert first["connector"] == "mute"
    later = until(admin, made["id"], sends=2)
    second = admin.until(later["message_id"], "delivered")
    assert (second["connector"], second["correlation_id"]) == ("second", made["id"])
    steps = admin("GET", f"/v1/messages/{later['message_id']}").json()["decision"]
    assert steps[-1] == {
        "rule": "verification",
        "send": 2,
        "why": "no receipt in 5 s",
        "connectors": ["second", "mute"],
    }
    assert check(admin, made["id"], made["test_code"])  # the same code


def test_a_message_that_failed_is_followed_by_the_next_step_at_once(admin: Api, numbers: Iterator[str]) -> None:
    to = "+447700900"  # fiction, whose last digits choose a fate
    made = start(admin, f"{to}101", plan=[{"channel": "sms", "wait_s": 600}, {"channel": "sms"}])
    first = admin.until(made["message_id"], "failed", "undelivered", "delivered")
    if first["status"] == "delivered":
        pytest.fail("the number was to fail")
    assert until(admin, made["id"], sends=2)["message_id"] != made["message_id"]


def test_the_person_may_ask_again_after_a_pause(admin: Api, numbers: Iterator[str]) -> None:
    made = start(admin, next(numbers))
    path = f"/v1/verifications/{made['id']}/resend"
    early = admin("POST", path, {})
    assert (early.status_code, early.json()["code"]) == (429, "resend_too_soon")
    assert int(early.headers["Retry-After"]) >= 1
    admin.until(made["message_id"], "delivered")
    time.sleep(int(early.headers["Retry-After"]))
    again = admin("POST", path, {}).json()
    assert (again["sends"], again["test_code"]) == (2, None)  # the same code, which is not known here any more
    assert admin.until(again["message_id"], "delivered")["connector"] == "second"
    assert check(admin, made["id"], made["test_code"])
    ended = admin("POST", path, {})
    assert (ended.status_code, ended.json()["code"]) == (409, "verification_ended")


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"channel": "email"}, "missing_field", "/email"),
        ({"channel": "email", "email": "nobody"}, "bad_address", "/email"),
        ({"channel": "pigeon"}, "unknown_channel", "/channel"),
        ({"plan": [{"channel": "sms"}, {"channel": "whatsapp"}]}, "unknown_channel", "/plan/1/channel"),
        ({"channel": "sms", "plan": [{}]}, "ambiguous_field", "/channel"),
        ({"origin": "https://example.com"}, "bad_origin", "/origin"),
        ({"app_hash": "short"}, "bad_app_hash", "/app_hash"),
        ({"code": "12"}, "bad_code", "/code"),
        ({"code": "O12345"}, "bad_code", "/code"),
        ({"code": "123456", "code_length": 6}, "ambiguous_field", "/code"),
        ({"ip": "home"}, "bad_ip", "/ip"),
        ({"code_length": 11}, "bad_value", "/code_length"),
        ({"lifetime_s": 601}, "bad_value", "/lifetime_s"),
        ({"to": "+999"}, "unknown_country_code", "/to"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(admin: Api, asked: dict[str, Any], code: str, pointer: str) -> None:
    answer = admin("POST", "/v1/verifications", {"to": "+447400123456", **asked})
    assert answer.status_code == 422, answer.text
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_an_own_code_and_letters_work_as_typed(admin: Api, numbers: Iterator[str]) -> None:
    own = start(admin, next(numbers), code="A7K92X", app_hash="FA+9qCX9VSu", origin="example.com")
    assert check(admin, own["id"], "a7k 92x")
    made = start(admin, next(numbers), alphabet="alphanumeric", code_length=10)
    assert len(made["test_code"]) == 10
    assert check(admin, made["id"], made["test_code"].lower())


def test_lists_show_the_newest_first_and_only_what_was_asked_for(admin: Api, numbers: Iterator[str]) -> None:
    to = next(numbers)
    made = [start(admin, to)["id"] for _ in range(3)]
    admin("POST", f"/v1/verifications/{made[0]}/cancel")
    listed = admin("GET", "/v1/verifications", params={"to": to, "limit": 2}).json()
    assert [one["id"] for one in listed["data"]] == [made[2], made[1]]
    rest = admin("GET", "/v1/verifications", params={"to": to, "cursor": listed["next_cursor"]}).json()
    assert [one["id"] for one in rest["data"]] == [made[0]] and rest["next_cursor"] is None
    only = admin("GET", "/v1/verifications", params={"to": to, "status": "canceled"}).json()["data"]
    assert [one["id"] for one in only] == [made[0]]
    assert admin("GET", "/v1/verifications?status=lost").json()["code"] == "unknown_state"


def test_an_authenticator_app_takes_the_place_of_texts(admin: Api) -> None:
    made = admin("POST", "/v1/authenticators", {"account": "ada@example.com", "issuer": "Acme"}).json()
    assert made["address"].startswith("otpauth://totp/Acme:ada@example.com?secret=")
    import base64

    secret = base64.b32decode(made["secret"] + "=" * (-len(made["secret"]) % 8))
    path = f"/v1/authenticators/{made['id']}"
    assert admin("GET", path).json()["confirmed_at"] is None
    step = int(time.time()) // 30
    code = totp.code(secret, step)
    bad = admin("POST", f"{path}/check", {"code": wrong(code)})
    assert not bad.json()["is_approved"] or hmac.compare_digest(wrong(code), totp.code(secret, step + 1))
    assert admin("POST", f"{path}/check", {"code": code}).json()["is_approved"]
    assert not admin("POST", f"{path}/check", {"code": code}).json()["is_approved"]  # each once
    assert admin("GET", path).json()["confirmed_at"] is not None
    assert admin("DELETE", path).status_code == 200
    assert admin("GET", path).status_code == 404
    assert not admin("POST", f"{path}/check", {"code": code}).json()["is_approved"]


def test_a_code_that_can_not_be_texted_is_read_aloud_or_mailed(admin: Api) -> None:
    plan = [{"channel": "sms", "wait_s": 5}, {"channel": "voice", "wait_s": 5}, {"channel": "email"}]
    made = start(admin, "+447700900501", plan=plan, email="Ann@Example.com")  # its number asks for a bad fate
    end = time.monotonic() + 30
    while len(sent := admin("GET", f"/v1/messages?correlation_id={made['id']}").json()["data"]) < 3:
        assert time.monotonic() < end, sent
        time.sleep(0.1)
    assert sorted((one["channel"], one["to"]) for one in sent) == [
        ("email", "ann@example.com"),
        ("sms", "+447700900501"),
        ("voice", "+447700900501"),
    ]
    assert all(one["text"] is None and one["content"] is None for one in sent), "what they say is nobody else's"
    assert check(admin, made["id"], made["test_code"]), "the same code by every channel"


def test_a_person_may_ask_for_a_call(admin: Api) -> None:
    policy = admin.policy("verify", pauses_s=[1])
    assert policy.status_code == 200, policy.text
    made = start(admin, "+447400900124")
    time.sleep(1.1)
    again = admin("POST", f"/v1/verifications/{made['id']}/resend", {"channel": "voice"})
    assert again.status_code == 200, again.text
    assert admin("GET", f"/v1/messages/{again.json()['message_id']}").json()["channel"] == "voice"
    assert check(admin, made["id"], made["test_code"])
