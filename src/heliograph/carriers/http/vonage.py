"""Vonage, the SMS API: https://developer.vonage.com/en/api/sms"""

import hashlib
import re
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, decimal_of, dict_of, dicts_of, string_of
from heliograph.carriers.http.looking import looked
from heliograph.carriers.http.proof import basic, hmac_hex, is_stale, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.core.failures import THROTTLED, UNKNOWN
from heliograph.core.lookups import Looked
from heliograph.core.message import Outcome, Receipt

_STATES: Final = {
    "accepted": "sent",
    "buffered": "sent",
    "delivered": "delivered",
    "expired": "expired",
    "failed": "undelivered",
    "rejected": "undelivered",
    "unknown": "sent",  # no news, so no end
}
_CURRENCY: Final = "EUR"  # of every account
_NUMBERS: Final = "https://api.nexmo.com"
_LONGEST_CALLBACK: Final = 100  # a longer URL is refused
_OURS: Final = ("ref", "token")  # what our callback URL brings along in a GET: not Vonage's, so not signed
_WAIT: Final = re.compile(r"wait \[ *([0-9]{1,6}) *\]")
_STALE_S: Final = 25 * 3_600  # they repeat for 24 hours, perhaps with the time of the first


class Settings(provider.Settings, kw_only=True):
    """An account of Vonage."""

    api_key: str
    api_secret: str
    signature_secret: str | None = None
    signature_method: Literal["md5hash", "md5", "sha1", "sha256", "sha512"] = "md5hash"  # all but the first are HMACs


class Vonage(provider.Provider):
    """Takes a long text as a whole, but answers, charges and reports each part by itself. Signs on request."""

    settings_type = Settings
    host = "https://rest.nexmo.com"
    signing = "signature_secret"

    def request(self, text: Text) -> Call:
        form = [
            *self._account(),
            ("from", text.sender or ""),
            ("to", text.digits),
            ("text", text.text),
            ("type", "unicode" if text.encoding == "ucs2" else "text"),
            ("client-ref", text.ref),
            ("status-report-req", "true"),
            ("ttl", str(lifetime_s(text) * 1000)),
        ]
        # Without it the report goes to the account's own URL, and finds its message by the client-ref.
        if text.status_url is not None and len(text.status_url) <= _LONGEST_CALLBACK:
            form.append(("callback", text.status_url))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return Call("POST", f"{self.base}/sms/json", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        """The HTTP status is 200 for a no as well: each part says for itself."""
        said = dict_of(answer.json()).get("messages")
        parts = dicts_of(said)
        if not parts or parts != said:
            return by_status(answer)
        ids = tuple(carrier_id for part in parts if (carrier_id := _taken_as(part)))
        noes = [part for part in parts if string_of(part.get("status")) not in ("", "0")]
        if len(ids) == len(parts) and answer.status == 200:
            prices = [Decimal(price) for part in parts if (price := amount_of(part.get("message-price")))]
            if len(prices) < len(parts):
                return accepted(*ids, parts=len(ids))
            return accepted(*ids, price=f"{sum(prices):f}", currency=_CURRENCY, parts=len(ids))
        if len(noes) == len(parts):
            return _waiting(refused("vonage_status", noes[0]["status"], answer), noes[0])
        if ids and noes:
            code = noes[0]["status"]
            return Outcome("unknown", ids, failure=UNKNOWN, code="unclear_answer", carrier_code=code)
        return by_status(answer)

    def forged(self, callback: Callback) -> str | None:
        fields = _fields(callback)
        given = fields.pop("sig", "")
        signed = "".join(f"&{name}={re.sub('[&=]', '_', value)}" for name, value in sorted(fields.items()))
        secret, method = self.settings.signature_secret, self.settings.signature_method
        if method == "md5hash":
            wanted = hashlib.md5((signed + secret).encode(), usedforsecurity=False).hexdigest()
        else:
            wanted = hmac_hex(method, secret, signed.encode())
        if not same(given.lower(), wanted):
            return "sig does not fit the parameters"
        stale = is_stale(fields.get("timestamp", ""), callback.at, _STALE_S)
        return "the signed timestamp is too old" if stale else None

    def read(self, callback: Callback) -> Heard:
        fields = _fields(callback)
        if "status" in fields:
            return Heard(self._receipts(fields, callback.at))
        if not fields.keys() >= {"msisdn", "to", "text"}:
            return Heard()
        sender, to, text = fields["msisdn"], fields["to"], fields["text"]
        carrier_id = fields.get("messageId") or None
        return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=carrier_id)])

    def lookup_request(self, e164: str) -> Call | None:
        base = (self.settings.base_url or _NUMBERS).rstrip("/")
        login = {"Authorization": basic(self.settings.api_key, self.settings.api_secret)}
        return Call("GET", f"{base}/ni/standard/json?number={e164.lstrip('+')}", login)

    def lookup(self, answer: Answer) -> Looked | None:
        said = dict_of(answer.json())
        if answer.status != 200 or said.get("status") != 0:
            return None
        network = dict_of(said.get("current_carrier"))
        code = string_of(network.get("network_code"))
        valid = {"valid": True, "not_valid": False}.get(string_of(said.get("valid_number")))
        word, name = network.get("network_type"), network.get("name")
        return looked(valid=valid, word=word, carrier=name, mcc=code[:3], mnc=code[3:])

    def balance_request(self) -> Call:
        return Call("GET", f"{self.base}/account/get-balance?{urlencode(self._account())}")

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        amount = decimal_of(dict_of(answer.json()).get("value"))
        return (amount, _CURRENCY) if amount is not None and answer.status == 200 else None

    def _account(self) -> list[tuple[str, str]]:
        return [("api_key", self.settings.api_key), ("api_secret", self.settings.api_secret)]

    def _receipts(self, fields: dict[str, str], at: int) -> list[Receipt]:
        state, carrier_id = _STATES.get(fields["status"].lower()), fields.get("messageId")
        if state is None or not carrier_id:
            return []
        code, price = fields.get("err-code"), amount_of(fields.get("price"))
        is_bad = state in ("undelivered", "expired")
        failure = codes("vonage_receipt").get(code or "", Code()).failure if is_bad else None
        ours, currency = our_code(failure, "vonage_receipt", code) if failure else None, _CURRENCY if price else None
        ref = fields.get("client-ref") or None
        return [Receipt(self.name, carrier_id, fact_of(state), at, failure, ours, code, price, currency, ref=ref)]


def lifetime_s(text: Text) -> int:
    """How long Vonage shall try, within what it allows."""
    return min(max(text.valid_for_s, 20), 604_800)


def _taken_as(part: dict[str, Any]) -> str:
    """The id of a part that they took."""
    return string_of(part.get("message-id")) if part.get("status") == "0" else ""


def _waiting(outcome: Outcome, part: dict[str, Any]) -> Outcome:
    """With the pause that a throttled answer asks for in its text."""
    pause = _WAIT.search(str(part.get("error-text")))
    if outcome.failure != THROTTLED or pause is None:
        return outcome
    return msgspec.structs.replace(outcome, retry_after_ms=int(pause[1]))


def _fields(callback: Callback) -> dict[str, str]:
    """A form, JSON or a query: the account chooses."""
    said = callback.json()
    if isinstance(said, dict):
        return {name: str(value) for name, value in said.items() if isinstance(value, str | int | float)}
    return callback.form() or {name: value for name, value in callback.query() if name not in _OURS}
