"""Vonage, the Messages API: https://developer.vonage.com/en/api/messages"""

from typing import Any, Final

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, Code, accepted, by_status, codes, refused
from heliograph.carriers.http.fields import amount_of, count_of, dict_of, string_of
from heliograph.carriers.http.proof import basic, is_stale, jwt_claims, same, sha256_hex
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.http.vonage import lifetime_s
from heliograph.core.message import Inbound, Outcome, Receipt

_STATES: Final = {
    "submitted": "sent",
    "delivered": "delivered",
    "read": "read",
    "rejected": "undelivered",
    "undeliverable": "failed",  # Vonage could not reach the network
}
_STALE_S: Final = 25 * 3_600  # they repeat for 24 hours, perhaps with the token of the first


class Settings(provider.Settings, kw_only=True):
    """An account of Vonage."""

    api_key: str
    api_secret: str
    signature_secret: str | None = None


class VonageMessages(provider.Provider):
    """Signs with a token in the Authorization header that holds the time and a hash of the body."""

    settings_type = Settings
    host = "https://api.nexmo.com"
    signing = "signature_secret"

    def request(self, text: Text) -> Call:
        body: dict[str, Any] = {
            "message_type": "text",
            "channel": "sms",
            "to": text.digits,
            "from": text.sender or "",
            "text": text.text,
            "client_ref": text.ref,
            "ttl": lifetime_s(text),
            "sms": {"encoding_type": "unicode" if text.encoding == "ucs2" else "auto"},
        }
        if text.status_url is not None:
            body["webhook_url"] = text.status_url
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Authorization": basic(self.settings.api_key, self.settings.api_secret),
        }
        return Call("POST", f"{self.base}/v1/messages", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, code = string_of(said.get("message_uuid")), _code(said)
        if answer.status == 202 and carrier_id:
            return accepted(carrier_id)
        return refused("vonage_messages", code, answer) if code else by_status(answer)

    def forged(self, callback: Callback) -> str | None:
        scheme, _, token = callback.headers.get("authorization", "").partition(" ")
        claims = jwt_claims(token, self.settings.signature_secret, ("HS256",))
        if scheme.lower() != "bearer" or claims is None:
            return "Authorization is no token that our secret signs"
        if not same(str(claims.get("payload_hash")), sha256_hex(callback.body)):
            return "the token is that of another body"
        return "the token is too old" if is_stale(str(claims.get("iat")), callback.at, _STALE_S) else None

    def read(self, callback: Callback) -> Heard:
        said = dict_of(callback.json())
        carrier_id = string_of(said.get("message_uuid"))
        if not carrier_id:
            return Heard()
        if "status" in said:
            return Heard(self._receipts(carrier_id, said, callback.at))
        return Heard(inbound=self._replies(carrier_id, said, callback.at))

    def _receipts(self, carrier_id: str, said: dict[str, Any], at: int) -> list[Receipt]:
        state = _STATES.get(string_of(said["status"]).lower())
        if state is None:
            return []
        failure = code = None
        if state in ("undelivered", "failed"):
            code = _code(dict_of(said.get("error"))) or None
            failure = codes("vonage_messages_report").get(code or "", Code()).failure
        usage = dict_of(said.get("usage"))
        price, currency = amount_of(usage.get("price")), string_of(usage.get("currency"))
        priced = price is not None and currency != ""
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                OUR_CODES[failure] if failure else None,
                code,
                price if priced else None,
                currency if priced else None,
                ref=string_of(said.get("client_ref")) or None,
                parts=count_of(dict_of(said.get("sms")).get("count_total")),
            )
        ]

    def _replies(self, carrier_id: str, said: dict[str, Any], at: int) -> list[Inbound]:
        sender, to, text = said.get("from"), said.get("to"), said.get("text")
        if not isinstance(sender, str) or not isinstance(to, str) or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id)]


def _code(problem: dict[str, Any]) -> str:
    """The number at the end of a problem's type; where a word stands there, the HTTP status says as much."""
    code = string_of(problem.get("type")).rpartition("#")[2]
    return code if code.isascii() and code.isdigit() else ""
