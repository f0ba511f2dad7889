"""MessageBird, now Bird, the REST API: https://developers.messagebird.com/api/sms-messaging/"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, first_of, string_of, word_of
from heliograph.carriers.http.looking import looked
from heliograph.carriers.http.proof import jwt_claims, same, sha256_hex
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.failures import UNKNOWN, UNREACHABLE
from heliograph.core.lookups import Looked
from heliograph.core.message import Outcome, Receipt

_STATES: Final = {
    "scheduled": "accepted",
    "sent": "sent",
    "buffered": "sent",
    "delivered": "delivered",
    "expired": "expired",
    "delivery_failed": "undelivered",
}
_CURRENCIES: Final = {"euros": "EUR", "pounds": "GBP", "dollars": "USD"}
_LEEWAY_S: Final = 1


class Settings(provider.Settings, kw_only=True):
    """An account of MessageBird."""

    access_key: str
    signature_secret: str | None = None  # the signing key, which is not the access key


class MessageBird(provider.Provider):
    """Reports with a GET, and signs with a token that holds hashes of the URL and of the body."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, concatenates=True)
    settings_type = Settings
    host = "https://rest.messagebird.com"
    signing = "signature_secret"

    def request(self, text: Text) -> Call:
        body: dict[str, Any] = {
            "recipients": [text.digits],
            "originator": text.sender or "",
            "body": text.text,
            "reference": text.ref,
            "datacoding": "unicode" if text.encoding == "ucs2" else "auto",
            "validity": text.valid_for_s,
        }
        if text.status_url is not None:
            body["reportUrl"] = text.status_url
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/messages", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, code = string_of(said.get("id")), word_of(first_of(said.get("errors")).get("code"))
        if answer.status == 201 and carrier_id:
            return accepted(carrier_id, parts=count_of(_recipient(said).get("messagePartCount")))
        return refused("messagebird_http", code, answer) if code else by_status(answer)

    def forged(self, callback: Callback) -> str | None:
        token, secret = callback.headers.get("messagebird-signature-jwt", ""), self.settings.signature_secret
        claims = jwt_claims(token, secret, ("HS256", "HS384", "HS512"))
        if claims is None or claims.get("iss") != "MessageBird":
            return "MessageBird-Signature-JWT is no token that our signing key signs"
        if not same(str(claims.get("url_hash")), sha256_hex(callback.url.encode())):
            return "the token is that of another URL"
        body_hash = sha256_hex(callback.body) if callback.body else None  # there is none of no body
        if not same(str(claims.get("payload_hash")), str(body_hash)):
            return "the token is that of another body"
        begin, end, now = claims.get("nbf"), claims.get("exp"), callback.at / 1000
        if not isinstance(begin, int | float) or not isinstance(end, int | float):
            return "the token says no time"
        return None if begin - _LEEWAY_S <= now <= end + _LEEWAY_S else "the token is not valid now"

    def read(self, callback: Callback) -> Heard:
        form = callback.form()
        sender, text = form.get("originator"), form.get("body", form.get("message"))
        if sender and text is not None:
            to, known = form.get("recipient", form.get("shortcode", "")), form.get("id", form.get("mid"))
            return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=known)])
        query = dict(callback.query())
        price = (query.get("price[amount]"), query.get("price[currency]"))
        ref = query.get("reference") or callback.ref()
        return Heard(self._receipts(query.get("id", ""), query, price, ref, callback.at))

    def thanks(self, callback: Callback) -> Thanks:
        return Thanks(body=b"OK")

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self.base}/messages/{quote(carrier_id, safe='')}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = dict_of(answer.json())
        if answer.status != 200:
            return ()
        recipient, ref = _recipient(said), string_of(said.get("reference")) or None
        price = dict_of(recipient.get("price"))
        return self._receipts(carrier_id, recipient, (price.get("amount"), price.get("currency")), ref, at)

    def lookup_request(self, e164: str) -> Call | None:
        return Call("GET", f"{self.base}/lookup/{e164.lstrip('+')}", self._headers())

    def lookup(self, answer: Answer) -> Looked | None:
        said = dict_of(answer.json())
        return looked(word=said.get("type")) if answer.status == 200 and string_of(said.get("type")) else None

    def balance_request(self) -> Call:
        return Call("GET", f"{self.base}/balance", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = dict_of(answer.json())
        amount, kind = decimal_of(said.get("amount")), string_of(said.get("type"))
        return (amount, _CURRENCIES.get(kind, kind)) if amount is not None and kind and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"AccessKey {self.settings.access_key}", "Accept": "application/json"}

    def _receipts(
        self, carrier_id: str, fields: Mapping[str, Any], cost: tuple[object, object], ref: str | None, at: int
    ) -> list[Receipt]:
        state = _STATES.get(string_of(fields.get("status")).lower())
        if state is None or not carrier_id:
            return []
        failure = code = None
        if state in ("undelivered", "expired"):
            code = word_of(fields.get("statusErrorCode")) or None
            failure = _failure(state, code)
        price, currency = amount_of(cost[0]), string_of(cost[1])
        priced = price is not None and currency != ""
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                our_code(failure, "messagebird_report", code) if failure else None,
                code,
                price if priced else None,
                currency if priced else None,
                ref=ref,
                parts=count_of(fields.get("messagePartCount")),
            )
        ]


def _failure(state: str, code: str | None) -> str:
    known = codes("messagebird_report").get(code or "")
    if known is not None:
        return known.failure
    return UNREACHABLE if state == "expired" else UNKNOWN


def _recipient(said: dict[str, Any]) -> dict[str, Any]:
    """The one whom a message has."""
    return first_of(dict_of(said.get("recipients")).get("items"))
