"""Clickatell: https://docs.clickatell.com/channels/one-api/"""

from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status, codes, refused
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
        said = _dict(answer.json())
        one = next(iter(_dicts(said.get("messages"))), {})
        carrier_id, taken = one.get("apiMessageId"), 200 <= answer.status < 300
        if taken and one.get("accepted") is True and isinstance(carrier_id, str) and carrier_id:
            return accepted(carrier_id)
        code = _code(one) or _code(said)
        if taken and one.get("accepted") is False and code not in codes("clickatell"):
            return Outcome("refused", failure=UNKNOWN, code=OUR_CODES[UNKNOWN], carrier_code=code)
        if code in codes("clickatell") and (one.get("accepted") is False or 400 <= answer.status < 500):
            return refused("clickatell", code, answer)
        return by_status(answer) if taken else refused("clickatell", str(answer.status), answer)

    def read(self, callback: Callback) -> Heard:
        said = _dict(callback.json())
        event = _dict(said.get("event"))
        reports = [*_dicts(event.get("messageStatusUpdate")), *([said] if "statusCode" in said else [])]
        texts = [*_dicts(event.get("moText")), *([said] if "fromNumber" in said else [])]
        return Heard(
            [receipt for one in reports if (receipt := self._receipt(one, callback, older=one is said))],
            [inbound for one in texts if (inbound := self._inbound(one, callback.at))],
        )

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self.base}/v1/balance", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = _dict(answer.json())
        amount, currency = said.get("balance"), said.get("currency")
        if answer.status != 200 or type(amount) not in (int, float) or not isinstance(currency, str):
            return None
        return f"{Decimal(str(amount)):f}", currency

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self.settings.api_key, "Accept": "application/json"}

    def _receipt(self, one: dict[str, Any], callback: Callback, *, older: bool) -> Receipt | None:
        number, word, carrier_id, ref = (
            one.get(name) for name in ("statusCode", "status", "messageId", "clientMessageId")
        )
        known = _WORDS.get(word.upper()) if isinstance(word, str) else None
        if known is None and older and type(number) is int:
            known = _NUMBERS.get(number)
        if known is None or not isinstance(carrier_id, str):
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
            OUR_CODES[failure] if failure else None,
            carrier_code,
            ref=ref if isinstance(ref, str) else callback.ref(),
        )

    def _inbound(self, one: dict[str, Any], at: int) -> Inbound | None:
        sender, to = one.get("from", one.get("fromNumber")), one.get("to", one.get("toNumber"))
        text, carrier_id, charset = one.get("content", one.get("text")), one.get("messageId"), one.get("charset")
        if not (isinstance(sender, str) and isinstance(to, str) and isinstance(text, str)):
            return None
        if isinstance(charset, str) and charset.upper() in _CHARSETS:
            octets = unquote(text.replace("+", " "), "latin-1").encode("latin-1", "replace")
            text = octets.decode(_CHARSETS[charset.upper()], "replace")
        known = carrier_id if isinstance(carrier_id, str) else None
        return self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=known)


def _code(said: dict[str, Any]) -> str | None:
    """Of an error: in the newer API inside it, in the older beside it."""
    number = _dict(said.get("error")).get("code", said.get("errorCode"))
    return (str(number) or None) if type(number) in (int, str) else None


def _dict(said: object) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _dicts(said: object) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
