"""Africa's Talking: https://developers.africastalking.com/docs/sms/overview"""

import re
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status, codes, refused
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.core.failures import PERMANENT, UNAUTHORISED, UNKNOWN, UNREACHABLE
from heliograph.core.message import Outcome, Receipt

_TAKEN: Final = ("100", "101", "102")
# Their word: ours, and the class of failure of a bad end that gives no reason, or one that we don't know.
_STATES: Final[dict[str, tuple[str, str | None]]] = {
    "sent": ("sent", None),
    "submitted": ("sent", None),
    "buffered": ("sent", None),
    "success": ("delivered", None),
    "rejected": ("undelivered", PERMANENT),
    "failed": ("undelivered", UNKNOWN),
    "absentsubscriber": ("undelivered", UNREACHABLE),
    "expired": ("expired", UNREACHABLE),
}
_NO_CREDIT: Final = "insufficientcredit"  # in reports only; a send says InsufficientBalance
_MONEY: Final = re.compile(r"([A-Z]{3}) (-?[0-9]{1,12}(?:\.[0-9]{1,12})?)")


class Settings(provider.Settings, kw_only=True):
    """An account of Africa's Talking. Its sandbox has a `base_url` of its own and the user name "sandbox"."""

    username: str
    api_key: str


class AfricasTalking(provider.Provider):
    """Signs nothing and knows one callback URL for the whole account: the token in it is the proof."""

    settings_type = Settings
    host = "https://api.africastalking.com"

    def request(self, text: Text) -> Call:
        form = [("username", self.settings.username), ("to", text.to), ("message", text.text)]
        if text.sender is not None:
            form.append(("from", text.sender))
        form += [("bulkSMSMode", "1"), ("enqueue", "1")]
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._headers()}
        return Call("POST", f"{self.base}/version1/messaging", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        data = _inside(answer, "SMSMessageData")
        recipients = data.get("Recipients")
        if not 200 <= answer.status < 300 or not isinstance(recipients, list):
            return by_status(answer)
        if not recipients:  # nobody was taken, and the reason stands where else the summary is
            return _refused_for(_word(data.get("Message")), answer)
        one = recipients[0] if isinstance(recipients[0], dict) else {}
        code, carrier_id = _word(one.get("statusCode")), one.get("messageId")
        if code not in _TAKEN:
            return refused("africastalking", code, answer) if code else by_status(answer)
        if not isinstance(carrier_id, str) or carrier_id in ("", "None"):
            return by_status(answer)
        parts = one.get("messageParts")
        parts = parts if type(parts) is int and 0 < parts < 1000 else None
        currency, price = _money(one.get("cost")) or ("", "0")
        if float(price) <= 0:
            return accepted(carrier_id, parts=parts)
        return accepted(carrier_id, price=price, currency=currency, parts=parts)

    def read(self, callback: Callback) -> Heard:
        form = callback.form()
        if form.get("id") and "status" in form:
            return self._report(form, callback)
        if not form.get("from") or "text" not in form:
            return Heard()
        return Heard(
            inbound=[
                self.inbound(
                    sender=form["from"],
                    to=form.get("to", ""),
                    text=form["text"],
                    at=callback.at,
                    carrier_id=form.get("id"),
                )
            ]
        )

    def balance_request(self) -> Call:
        query = urlencode({"username": self.settings.username})
        return Call("GET", f"{self.base}/version1/user?{query}", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        money = _money(_inside(answer, "UserData").get("balance"))
        return (money[1], money[0]) if money and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"apikey": self.settings.api_key, "Accept": "application/json"}

    def _report(self, form: dict[str, str], callback: Callback) -> Heard:
        word, reason = form["status"], form.get("failureReason", "")
        if word.lower() not in _STATES:
            return Heard()
        state, failure = _STATES[word.lower()]
        if failure is not None and (known := _code_of(reason)) is not None:
            failure = codes("africastalking")[known].failure
        elif failure is not None and reason.lower() == _NO_CREDIT:
            failure = UNAUTHORISED
        return Heard(
            [
                Receipt(
                    self.name,
                    form["id"],
                    fact_of(state),
                    callback.at,
                    failure,
                    code=OUR_CODES[failure] if failure else None,
                    carrier_code=(reason or word) if failure else None,
                    ref=callback.ref(),
                )
            ]
        )


def _code_of(reason: str) -> str | None:
    """The code that goes by a name: they say one or the other, and are not of one mind about capitals."""
    for code, known in codes("africastalking").items():
        if reason and reason.lower() in (code.lower(), known.meaning.partition(" ")[0].lower()):
            return code
    return None


def _refused_for(reason: str, answer: Answer) -> Outcome:
    code = _code_of(reason)
    if code is None:
        return by_status(answer)
    return msgspec.structs.replace(refused("africastalking", code, answer), carrier_code=reason)


def _inside(answer: Answer, key: str) -> dict[str, Any]:
    """The object that holds everything they say."""
    said = answer.json()
    data = said.get(key) if isinstance(said, dict) else None
    return data if isinstance(data, dict) else {}


def _money(given: object) -> tuple[str, str] | None:
    """Currency and amount out of "KES 0.8000"."""
    found = _MONEY.fullmatch(given) if isinstance(given, str) else None
    return (found[1], found[2]) if found else None


def _word(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
