"""Infobip: https://www.infobip.com/docs/api/channels/sms"""

from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, Code, accepted, by_status, codes, refused
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.failures import OPTED_OUT, PERMANENT, TRANSIENT, UNKNOWN
from heliograph.core.message import Inbound, Outcome, Receipt

_IDS: Final = uuid5(NAMESPACE_URL, "https://heliograph.invalid/infobip")
_STATES: Final = {1: "sent", 2: "undelivered", 3: "sent", 4: "expired", 5: "failed"}  # of the groups
_TO_HANDSET: Final = "5"  # the other status of group 3 is 2, to the operator, and no end
_DUPLICATE: Final = "23"  # our id came twice: the first one counts


class Settings(provider.Settings, kw_only=True):
    """An account of Infobip."""

    base_url: str  # each account has its own host: https://xxxxx.api.infobip.com
    api_key: str


class Infobip(provider.Provider):
    """How it signs is not published: the token in the callback URL is the proof."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, idempotent=True, concatenates=True)
    settings_type = Settings
    host = "https://api.infobip.com"  # never asked: `base_url` must be set

    def request(self, text: Text) -> Call:
        unit, length = ("SECONDS", 1) if text.valid_for_s % 60 else ("MINUTES", 60)
        webhooks: dict[str, Any] = {"contentType": "application/json", "callbackData": text.ref}
        if text.status_url is not None:
            webhooks["delivery"] = {"url": text.status_url, "intermediateReport": True}
        message: dict[str, Any] = {
            "destinations": [{"to": text.digits, "messageId": str(uuid5(_IDS, text.ref))}],
            "content": {"text": text.text},
            "options": {"validityPeriod": {"amount": text.valid_for_s // length, "timeUnit": unit}},
            "webhooks": webhooks,
        }
        if text.sender is not None:
            message["sender"] = text.sender
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/sms/3/messages", headers, msgspec.json.encode({"messages": [message]}))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = _dict(answer.json())
        if answer.status != 200:
            older = _dict(_dict(said.get("requestError")).get("serviceException"))
            word = said.get("errorCode") or older.get("messageId")
            return refused("infobip_status", word, answer) if isinstance(word, str) else by_status(answer)
        one = next(iter(_dicts(said.get("messages"))), {})
        status, carrier_id = _dict(one.get("status")), one.get("messageId")
        state, code = _state(status), _code(status)
        if state in ("sent", "delivered") or code == _DUPLICATE:
            if isinstance(carrier_id, str) and carrier_id:
                return accepted(carrier_id, parts=_count(_dict(one.get("details")).get("messageCount")))
        elif code in codes("infobip_status"):
            return refused("infobip_status", code, answer)
        elif state is not None:  # a no, for a reason that we don't know
            return Outcome("refused", failure=UNKNOWN, code=OUR_CODES[UNKNOWN], carrier_code=code or None)
        return by_status(answer)

    def read(self, callback: Callback) -> Heard:
        said = _results(callback.json())
        return Heard(self._receipts(said, callback.at), self._inbound(said, callback.at))

    def question(self, carrier_id: str) -> Call | None:
        # The logs, not /reports: those tell each report only once, and a lost answer would be a lost report.
        return Call("GET", f"{self.base}/sms/3/logs?{urlencode({'messageId': carrier_id})}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> list[Receipt]:
        return self._receipts(_results(answer.json()), at) if answer.status == 200 else []

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self.base}/account/1/balance", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = _dict(answer.json())
        amount, currency = _decimal(said.get("balance")), said.get("currency")
        if answer.status != 200 or amount is None or not isinstance(currency, str):
            return None
        return f"{amount:f}", currency

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"App {self.settings.api_key}", "Accept": "application/json"}

    def _receipts(self, said: list[dict[str, Any]], at: int) -> list[Receipt]:
        return [receipt for one in said if (receipt := self._receipt(one, at))]

    def _receipt(self, one: dict[str, Any], at: int) -> Receipt | None:
        status, carrier_id, ref = _dict(one.get("status")), one.get("messageId"), one.get("callbackData")
        state, parts = _state(status), _count(one.get("messageCount"))
        # The refusal of a duplicate bears the id of the first message, whose end it is not.
        if state is None or _code(status) == _DUPLICATE or not isinstance(carrier_id, str):
            return None
        told: dict[str, Any] = _price(_dict(one.get("price")), parts or 1)
        if state in ("undelivered", "expired", "failed"):
            failure, told["carrier_code"] = _failure(status, _dict(one.get("error")))
            told |= {"failure": failure, "code": OUR_CODES[failure]}
        ref = ref if isinstance(ref, str) else None
        return Receipt(self.name, carrier_id, fact_of(state), at, ref=ref, parts=parts, **told)

    def _inbound(self, said: list[dict[str, Any]], at: int) -> list[Inbound]:
        heard = []
        for one in said:
            sender, to, text, carrier_id = (one.get(name) for name in ("from", "to", "text", "messageId"))
            if isinstance(sender, str) and isinstance(to, str) and isinstance(text, str):
                known = carrier_id if isinstance(carrier_id, str) else None
                heard.append(self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=known))
        return heard


def _state(status: dict[str, Any]) -> str | None:
    group = status.get("groupId")
    if group == 3 and _code(status) == _TO_HANDSET:
        return "delivered"
    return _STATES.get(group) if isinstance(group, int) else None


def _failure(status: dict[str, Any], error: dict[str, Any]) -> tuple[str, str | None]:
    """The class of a bad end, and the code that says so: the error's, or the status's when there is no error."""
    by_state = codes("infobip_status").get(_code(status), Code()).failure
    if not error.get("id"):
        return by_state, _code(status) or None
    failure = codes("infobip_error").get(_code(error), Code()).failure
    if by_state == OPTED_OUT or failure == UNKNOWN:
        failure = by_state
    permanent = error.get("permanent")
    if failure in (PERMANENT, TRANSIENT) and isinstance(permanent, bool):
        failure = PERMANENT if permanent else TRANSIENT  # Infobip's own word goes before our table
    return failure, _code(error) or None


def _price(said: dict[str, Any], parts: int) -> dict[str, str]:
    each, currency = _decimal(said.get("pricePerMessage")), said.get("currency")
    if each is None or each < 0 or not isinstance(currency, str):
        return {}
    return {"price": f"{each * parts:f}", "currency": currency}


def _code(said: dict[str, Any]) -> str:
    number = said.get("id")
    return str(number) if isinstance(number, int) else ""


def _count(number: object) -> int | None:
    return number if type(number) is int and number > 0 else None


def _decimal(number: object) -> Decimal | None:
    return Decimal(str(number)) if type(number) in (int, float) else None


def _dict(said: object) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _dicts(said: object) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _results(said: object) -> list[dict[str, Any]]:
    return _dicts(_dict(said).get("results"))
