"""Telesign: https://developer.telesign.com/enterprise/reference/sendsms"""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import dict_of, string_of, word_of
from heliograph.carriers.http.proof import basic, hmac_base64, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.message import OTP, PROMOTIONAL, Outcome, Receipt

_TYPES: Final = {OTP: "OTP", PROMOTIONAL: "MKT"}
_REFERENCES: Final = ("env:", "file:", "sealed:")  # to a key that is not read yet
_STATES: Final = {
    "200": "delivered",
    "203": "sent",  # a gateway has it
    "207": "undelivered",
    "210": "undelivered",
    "211": "undelivered",
    "220": "undelivered",
    "221": "expired",
    "222": "undelivered",
    "290": "sending",
}


class Settings(provider.Settings, kw_only=True):
    """An account of Telesign."""

    customer_id: str
    api_key: str  # base64, as Telesign shows it


class Telesign(provider.Provider):
    """Signs its callbacks with the API key: https://developer.telesign.com/enterprise/docs/authenticate-callbacks"""

    capabilities = Capabilities(receipts=True, query=True, concatenates=True)
    settings_type = Settings
    host = "https://rest-ww.telesign.com"
    signing = "api_key"

    @classmethod
    def check(cls, settings: Settings) -> tuple[str, str] | None:
        try:
            if not settings.api_key.startswith(_REFERENCES):
                b64decode(settings.api_key)
        except ValueError:
            return "api_key", "not base64: copy the key as Telesign shows it"
        return super().check(settings)

    def request(self, text: Text) -> Call:
        form = [
            ("phone_number", text.digits),
            ("message", text.text),
            ("message_type", _TYPES.get(text.kind, "ARN")),
            ("external_id", text.ref),
        ]
        if text.status_url is not None:
            form.append(("callback_url", text.status_url))
        if text.sender is not None:
            form.append(("sender_id", text.sender))
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._authorization()}
        return Call("POST", f"{self.base}/v1/messaging", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, code = string_of(said.get("reference_id")), _code(said)
        if answer.status // 100 == 2 and carrier_id and code not in codes("telesign"):
            return accepted(carrier_id)
        return refused("telesign", code, answer) if code else by_status(answer)

    def forged(self, callback: Callback) -> str | None:
        header = callback.headers.get("authorization", "")  # TSA <customer>:<signature>
        try:
            wanted = hmac_base64("sha256", b64decode(self.settings.api_key), callback.body)
        except ValueError:
            return "our api_key is no base64"
        return None if same(header.rpartition(":")[2], wanted) else "the signature is wrong"

    def read(self, callback: Callback) -> Heard:
        said = dict_of(callback.json())
        return Heard(self._receipts(string_of(said.get("reference_id")), said, callback.at, callback.ref()))

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self.base}/v1/messaging/{quote(carrier_id, safe='')}", self._authorization())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        return self._receipts(carrier_id, dict_of(answer.json()), at, None) if answer.status == 200 else ()

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.customer_id, self.settings.api_key)}

    def _receipts(self, carrier_id: str, said: dict[str, Any], at: int, ref: str | None) -> Sequence[Receipt]:
        """What a callback or an answer says of a message: they look alike."""
        code = _code(said)
        state = _STATES.get(code)
        if state is None or not carrier_id:
            return ()
        failure = codes("telesign")[code].failure if code in codes("telesign") else None
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                our_code(failure, "telesign", code) if failure else None,
                code,
                ref=string_of(said.get("external_id")) or ref,
            )
        ]


def _code(said: dict[str, Any]) -> str:
    """The code in an answer or callback."""
    return word_of(dict_of(said.get("status")).get("code"))
