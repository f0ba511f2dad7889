"""Africa's Talking: https://developers.africastalking.com/docs/sms/overview"""

import re
from typing import Final
from urllib.parse import urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, dict_of, first_of, string_of, word_of
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of, plus
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
_NUMBER: Final = re.compile(r"\+[0-9]{7,15}")


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
        data = dict_of(dict_of(answer.json()).get("SMSMessageData"))
        recipients = data.get("Recipients")
        if not 200 <= answer.status < 300 or not isinstance(recipients, list):
            return by_status(answer)
        if not recipients:  # nobody was taken, and the reason stands where else the summary is
            return _refused_for(word_of(data.get("Message")), answer)
        one = first_of(recipients)
        code, carrier_id = word_of(one.get("statusCode")), string_of(one.get("messageId"))
        if code not in _TAKEN:
            return refused("africastalking", code, answer) if code else by_status(answer)
        if carrier_id in ("", "None"):
            return by_status(answer)
        currency, cost = _money(one.get("cost"))
        price, parts = amount_of(cost), count_of(one.get("messageParts"))
        return accepted(carrier_id, price=price, currency=currency if price else None, parts=parts)

    def read(self, callback: Callback) -> Heard:
        form = callback.form()
        if form.get("id") and "status" in form:
            return self._report(form, callback)
        if "senderId" in form and not form.keys() & {"id", "status", "text"}:  # the notice of an opt-out
            number = plus(form.get("phoneNumber", ""))
            return Heard(opted_out=[number]) if _NUMBER.fullmatch(number) else Heard()
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
        currency, amount = _money(dict_of(dict_of(answer.json()).get("UserData")).get("balance"))
        return (amount, currency) if amount and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"apikey": self.settings.api_key, "Accept": "application/json"}

    def _report(self, form: dict[str, str], callback: Callback) -> Heard:
        word, reason = form["status"], form.get("failureReason", "")
        if word.lower() not in _STATES:
            return Heard()
        state, failure = _STATES[word.lower()]
        known = _code_of(reason)
        if failure is not None and known is not None:
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
                    code=our_code(failure, "africastalking", known) if failure else None,
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


def _money(given: object) -> tuple[str, str]:
    """Currency and amount out of "KES 0.8000"; empty when it is none."""
    found = _MONEY.fullmatch(string_of(given))
    return (found[1], found[2]) if found else ("", "")
