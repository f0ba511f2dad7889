"""Infobip: https://www.infobip.com/docs/api/channels/sms"""

from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, no, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, dicts_of, first_of, string_of
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.failures import OPTED_OUT, PERMANENT, TRANSIENT, UNKNOWN
from heliograph.core.message import Inbound, Outcome, Receipt

_IDS: Final = uuid5(NAMESPACE_URL, "https://heliograph.invalid/infobip")
_STATES: Final = {1: "sent", 2: "undelivered", 3: "sent", 4: "expired", 5: "failed"}  # of the groups
_TO_HANDSET: Final = "5"  # the other status of group 3 is 2, to the operator, and no end
_DUPLICATE: Final = "23"  # our id came twice: the first one counts


class Settings(provider.WithTokens, kw_only=True):
    """An account of Infobip."""

    base_url: str  # each account has its own host: https://xxxxx.api.infobip.com
    api_key: str | None = None


class Infobip(provider.Provider):
    """How it signs is not published: the token in the callback URL is the proof."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, idempotent=True, concatenates=True)
    settings_type = Settings
    proving = ("api_key",)
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
        said = dict_of(answer.json())
        if answer.status != 200:
            older = dict_of(dict_of(said.get("requestError")).get("serviceException"))
            word = string_of(said.get("errorCode")) or string_of(older.get("messageId"))
            return refused("infobip_status", word, answer) if word else by_status(answer)
        one = first_of(said.get("messages"))
        status, carrier_id = dict_of(one.get("status")), string_of(one.get("messageId"))
        state, code = _state(status), _code(status)
        if state in ("sent", "delivered") or code == _DUPLICATE:
            if carrier_id:
                return accepted(carrier_id, parts=count_of(dict_of(one.get("details")).get("messageCount")))
        elif code in codes("infobip_status"):
            return refused("infobip_status", code, answer)
        elif state is not None:
            return no(code or None)
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
        said = dict_of(answer.json())
        amount, currency = decimal_of(said.get("balance")), string_of(said.get("currency"))
        return (amount, currency) if amount is not None and currency and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"App {self.settings.api_key}", "Accept": "application/json"}

    def _receipts(self, said: list[dict[str, Any]], at: int) -> list[Receipt]:
        return [receipt for one in said if (receipt := self._receipt(one, at))]

    def _receipt(self, one: dict[str, Any], at: int) -> Receipt | None:
        status, carrier_id = dict_of(one.get("status")), string_of(one.get("messageId"))
        state, parts = _state(status), count_of(one.get("messageCount"))
        # The refusal of a duplicate bears the id of the first message, whose end it is not.
        if state is None or _code(status) == _DUPLICATE or not carrier_id:
            return None
        told: dict[str, Any] = _price(dict_of(one.get("price")), parts or 1)
        if state in ("undelivered", "expired", "failed"):
            error = dict_of(one.get("error"))
            failure, told["carrier_code"] = _failure(status, error)
            told |= {"failure": failure, "code": our_code(failure, "infobip_error", _code(error))}
        ref = string_of(one.get("callbackData")) or None
        return Receipt(self.name, carrier_id, fact_of(state), at, ref=ref, parts=parts, **told)

    def _inbound(self, said: list[dict[str, Any]], at: int) -> list[Inbound]:
        heard = []
        for one in said:
            sender, to, text = (one.get(name) for name in ("from", "to", "text"))
            if isinstance(sender, str) and isinstance(to, str) and isinstance(text, str):
                carrier_id = string_of(one.get("messageId")) or None
                heard.append(self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id))
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
    each, currency = said.get("pricePerMessage"), string_of(said.get("currency"))
    price = amount_of(Decimal(str(each)) * parts) if type(each) in (int, float) else None
    return {"price": price, "currency": currency} if price and currency else {}


def _code(said: dict[str, Any]) -> str:
    number = said.get("id")
    return str(number) if isinstance(number, int) else ""


def _results(said: object) -> list[dict[str, Any]]:
    return dicts_of(dict_of(said).get("results"))
