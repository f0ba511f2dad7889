"""Clickatell: https://docs.clickatell.com/channels/one-api/"""

from typing import Any, Final
from urllib.parse import unquote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import accepted, by_status, codes, no, our_code, refused
from heliograph.carriers.http.fields import decimal_of, dict_of, dicts_of, first_of, string_of, word_of
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.core.failures import CONTENT, PERMANENT, THROTTLED, UNAUTHORISED, UNKNOWN, UNREACHABLE
from heliograph.core.message import Inbound, Outcome, Receipt

# State, and class of a bad end. The two APIs use the same numbers for different things (4 is delivered in the older,
# sent in the newer), so the newer is read by its words, and only the older by its numbers.
_WORDS: Final = {
    "QUEUED": ("queued", None),
    "SCHEDULED": ("queued", None),
    "SENT_TO_SUPPLIER": ("sent", None),
    "DELIVERED_TO_GATEWAY": ("sent", None),
    "DEVICE_ACK": ("delivered", None),
    "RECEIVED_BY_RECIPIENT": ("delivered", None),
    "READ": ("read", None),
    "EXPIRED": ("expired", UNREACHABLE),
    "STOPPED_BY_USER": ("canceled", UNKNOWN),
    "STOPPED_BY_ADMIN": ("canceled", UNKNOWN),
    "DELIVERY_FAILURE": ("undelivered", UNKNOWN),
    "INSUFFICIENT_ACCOUNT_BALANCE": ("failed", UNAUTHORISED),
    "VOLUME_LIMIT": ("failed", THROTTLED),
    "VOLUME_LIMIT_DAILY": ("failed", THROTTLED),
    "VOLUME_LIMIT_MONTHLY": ("failed", THROTTLED),
    "RECIPIENT_DOES_NOT_EXIST": ("undelivered", PERMANENT),
    "ROUTING_ERROR": ("failed", PERMANENT),
}
_NUMBERS: Final = {
    1: ("failed", UNKNOWN),
    2: ("queued", None),
    3: ("sent", None),
    4: ("delivered", None),
    5: ("undelivered", CONTENT),
    6: ("canceled", UNKNOWN),
    7: ("undelivered", UNKNOWN),
    8: ("accepted", None),
    9: ("failed", PERMANENT),
    10: ("expired", UNREACHABLE),
    11: ("queued", None),
    12: ("failed", UNAUTHORISED),
    14: ("failed", CONTENT),
}
_CHARSETS: Final = {"UTF-16BE": "utf-16-be", "ISO-8859-1": "latin-1"}  # those whose texts come URL-escaped


class Settings(provider.Settings, kw_only=True):
    """An integration of Clickatell; its callback URLs are set there, not with each message."""

    api_key: str


class Clickatell(provider.Provider):
    """Signs nothing: the token in the callback URL is the proof."""

    settings_type = Settings
    host = "https://platform.clickatell.com"

    def request(self, text: Text) -> Call:
        message = {"channel": "sms", "to": text.digits, "content": text.text, "clientMessageId": text.ref}
        if text.sender is not None:
            message["from"] = text.sender.lstrip("+")
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/v1/message", headers, msgspec.json.encode({"messages": [message]}))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        one = first_of(said.get("messages"))
        carrier_id, taken = string_of(one.get("apiMessageId")), 200 <= answer.status < 300
        if taken and one.get("accepted") is True and carrier_id:
            return accepted(carrier_id)
        code = _code(one) or _code(said)
        if taken and one.get("accepted") is False and code not in codes("clickatell"):
            return no(code)
        if code in codes("clickatell") and (one.get("accepted") is False or 400 <= answer.status < 500):
            return refused("clickatell", code, answer)
        return by_status(answer) if taken else refused("clickatell", str(answer.status), answer)

    def read(self, callback: Callback) -> Heard:
        said = dict_of(callback.json())
        event = dict_of(said.get("event"))
        reports = [*dicts_of(event.get("messageStatusUpdate")), *([said] if "statusCode" in said else [])]
        texts = [*dicts_of(event.get("moText")), *([said] if "fromNumber" in said else [])]
        return Heard(
            [receipt for one in reports if (receipt := self._receipt(one, callback, older=one is said))],
            [inbound for one in texts if (inbound := self._inbound(one, callback.at))],
        )

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self.base}/v1/balance", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = dict_of(answer.json())
        amount, currency = decimal_of(said.get("balance")), string_of(said.get("currency"))
        return (amount, currency) if amount is not None and currency and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self.settings.api_key, "Accept": "application/json"}

    def _receipt(self, one: dict[str, Any], callback: Callback, *, older: bool) -> Receipt | None:
        number, carrier_id = one.get("statusCode"), string_of(one.get("messageId"))
        known = _WORDS.get(string_of(one.get("status")).upper())
        if known is None and older and type(number) is int:
            known = _NUMBERS.get(number)
        if known is None or not carrier_id:
            return None
        state, failure = known
        carrier_code = str(number) if type(number) is int else None
        reason = _code(one)
        if failure is not None and reason in codes("clickatell"):
            failure, carrier_code = codes("clickatell")[reason].failure, reason
        return Receipt(
            self.name,
            carrier_id,
            fact_of(state),
            callback.at,
            failure,
            our_code(failure, "clickatell", reason) if failure else None,
            carrier_code,
            ref=string_of(one.get("clientMessageId")) or callback.ref(),
        )

    def _inbound(self, one: dict[str, Any], at: int) -> Inbound | None:
        sender, to = one.get("from", one.get("fromNumber")), one.get("to", one.get("toNumber"))
        text, charset = one.get("content", one.get("text")), string_of(one.get("charset")).upper()
        if not (isinstance(sender, str) and isinstance(to, str) and isinstance(text, str)):
            return None
        if charset in _CHARSETS:
            octets = unquote(text.replace("+", " "), "latin-1").encode("latin-1", "replace")
            text = octets.decode(_CHARSETS[charset], "replace")
        carrier_id = string_of(one.get("messageId")) or None
        return self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id)


def _code(said: dict[str, Any]) -> str | None:
    """Of an error: in the newer API inside it, in the older beside it."""
    return word_of(dict_of(said.get("error")).get("code", said.get("errorCode"))) or None
