"""Vonage, the Messages API: https://developer.vonage.com/en/api/messages"""

import re
from typing import Any, Final

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, Code, accepted, by_status, codes, refused
from heliograph.carriers.http.proof import basic, is_stale, jwt_claims, same, sha256_hex
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.http.vonage import lifetime_s, price_of
from heliograph.core.failures import OPTED_OUT, UNREACHABLE
from heliograph.core.message import Inbound, Outcome, Receipt

_STATES: Final = {
    "submitted": "sent",
    "delivered": "delivered",
    "read": "read",
    "rejected": "undelivered",
    "undeliverable": "failed",  # Vonage could not reach the network
}
# Ends that only reports tell of; the table has the codes of answers.
_REPORTED: Final = {"1240": OPTED_OUT, "1260": UNREACHABLE}
_COUNT: Final = re.compile(r"[1-9][0-9]{0,2}")


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
        said = answer.json()
        if not isinstance(said, dict):
            return by_status(answer)
        carrier_id = said.get("message_uuid")
        if answer.status == 202 and isinstance(carrier_id, str) and carrier_id:
            return accepted(carrier_id)
        code = _code(said)
        return refused("vonage_messages", code, answer) if code else by_status(answer)

    def forged(self, callback: Callback) -> str | None:
        scheme, _, token = callback.headers.get("authorization", "").partition(" ")
        claims = jwt_claims(token, self.settings.signature_secret, ("HS256",))
        if scheme.lower() != "bearer" or claims is None:
            return "Authorization is no token that our secret signs"
        if not same(str(claims.get("payload_hash")), sha256_hex(callback.body)):
            return "the token is that of another body"
        return "the token is too old" if is_stale(str(claims.get("iat")), callback.at) else None

    def read(self, callback: Callback) -> Heard:
        said = callback.json()
        carrier_id = said.get("message_uuid") if isinstance(said, dict) else None
        if not isinstance(carrier_id, str) or not carrier_id:
            return Heard()
        if "status" in said:
            return Heard(self._receipts(carrier_id, said, callback.at))
        return Heard(inbound=self._replies(carrier_id, said, callback.at))

    def _receipts(self, carrier_id: str, said: dict[str, Any], at: int) -> list[Receipt]:
        state, ref = _STATES.get(str(said["status"]).lower()), said.get("client_ref")
        if state is None:
            return []
        failure = code = None
        if state in ("undelivered", "failed"):
            code = _code(said.get("error"))
            failure = _REPORTED.get(code or "") or codes("vonage_messages").get(code or "", Code()).failure
        price, currency = _cost(said.get("usage"))
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                OUR_CODES[failure] if failure else None,
                code,
                price,
                currency,
                ref=ref if isinstance(ref, str) and ref else None,
                parts=_parts(said.get("sms")),
            )
        ]

    def _replies(self, carrier_id: str, said: dict[str, Any], at: int) -> list[Inbound]:
        sender, to, text = said.get("from"), said.get("to"), said.get("text")
        if not isinstance(sender, str) or not isinstance(to, str) or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id)]


def _code(problem: object) -> str | None:
    """The number at the end of a problem's type; where a word stands there, the HTTP status says as much."""
    said = problem.get("type") if isinstance(problem, dict) else None
    code = said.rpartition("#")[2] if isinstance(said, str) else ""
    return code if code.isascii() and code.isdigit() else None


def _cost(usage: object) -> tuple[str, str] | tuple[None, None]:
    if not isinstance(usage, dict):
        return None, None
    price, currency = price_of(usage.get("price")), usage.get("currency")
    return (f"{price:f}", currency) if price and isinstance(currency, str) else (None, None)


def _parts(sms: object) -> int | None:
    count = str(sms.get("count_total")) if isinstance(sms, dict) else ""
    return int(count) if _COUNT.fullmatch(count) else None
