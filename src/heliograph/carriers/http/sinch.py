"""Sinch: https://developers.sinch.com/docs/sms/api-reference/sms"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, Code, accepted, by_status, codes, refused
from heliograph.carriers.http.fields import count_of, dict_of, string_of
from heliograph.carriers.http.proof import hmac_base64, is_stale, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.message import Inbound, Outcome, Receipt

_STATES: Final = {
    "queued": "queued",
    "dispatched": "sent",
    "delivered": "delivered",
    "failed": "undelivered",
    "rejected": "undelivered",
    "deleted": "undelivered",
    "expired": "expired",
    "cancelled": "canceled",
    "aborted": "failed",
    "unknown": "sent",  # to them an end; to us nobody knows yet
}
_ENDS: Final = ("undelivered", "expired", "canceled", "failed")
_LONGEST_S: Final = 259_200  # they refuse a later end
_SIGNATURE: Final = "x-sinch-webhook-signature"


class Settings(provider.WithTokens, kw_only=True):
    """A service plan of Sinch."""

    service_plan_id: str  # or, with OAuth 2.0, the project
    token: str | None = None
    region: Literal["us", "eu", "au", "br", "ca"]  # where the service plan lives; no other knows it
    signature_secret: str | None = None  # their account manager switches signing on
    max_parts: Annotated[int, msgspec.Meta(ge=1)] | None = None  # more are refused; only when set do reports tell parts


class Sinch(provider.Provider):
    """A text is a batch of one, so that the batch's id is the message's."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, concatenates=True)
    settings_type = Settings
    proving = ("token",)
    host = "https://us.sms.api.sinch.com"
    signing = "signature_secret"

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(name, settings)
        zone = "zt." if self.grant() else ""  # projects have hosts of their own
        base = self.base if settings.base_url else f"https://{zone}{settings.region}.sms.api.sinch.com"
        self.batches = f"{base}/xms/v1/{quote(settings.service_plan_id, safe='')}/batches"

    def request(self, text: Text) -> Call:
        expire_at = datetime.fromtimestamp(text.at // 1000 + min(text.valid_for_s, _LONGEST_S), UTC)
        batch: dict[str, Any] = {
            "type": "mt_text",
            "to": [text.to],
            "body": text.text,
            "client_reference": text.ref,
            "delivery_report": "none",
            "expire_at": expire_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        if text.sender is not None:
            batch["from"] = text.sender
        if text.status_url is not None:
            batch |= {"delivery_report": "per_recipient", "callback_url": text.status_url}
        if self.settings.max_parts is not None:
            batch["max_number_of_message_parts"] = self.settings.max_parts
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", self.batches, headers, msgspec.json.encode(batch))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        if answer.status in (200, 201):
            carrier_id = string_of(said.get("id"))
            return accepted(carrier_id) if carrier_id else by_status(answer)
        word = string_of(said.get("code"))
        if answer.status == 400 and word:  # here their word says more than the status
            return refused("sinch_http", word, answer)
        return refused("sinch_http", str(answer.status), answer)

    def forged(self, callback: Callback) -> str | None:
        given = callback.headers.get(_SIGNATURE, "")
        nonce = callback.headers.get(f"{_SIGNATURE}-nonce", "")
        timestamp = callback.headers.get(f"{_SIGNATURE}-timestamp", "")
        signed = callback.body + f".{nonce}.{timestamp}".encode()
        if not same(given, hmac_base64("sha256", self.settings.signature_secret, signed)):
            return "the signature is wrong"
        return "the signed time is too far from now" if is_stale(timestamp, callback.at) else None

    def read(self, callback: Callback) -> Heard:
        said = dict_of(callback.json())
        if said.get("type") == "mo_text":
            return Heard(inbound=self._inbound(said, callback.at))
        return Heard(self._receipts(said, callback.at, callback.ref()))

    def question(self, carrier_id: str) -> Call | None:
        return Call("GET", f"{self.batches}/{quote(carrier_id, safe='')}/delivery_report", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> list[Receipt]:
        return self._receipts(dict_of(answer.json()), at, None) if answer.status == 200 else []

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.token}"}

    def _receipts(self, said: dict[str, Any], at: int, ref: str | None) -> list[Receipt]:
        """Of a recipient's report, or of a batch's: ours have one recipient, so what says more is not about ours."""
        told: object = said
        if said.get("type") == "delivery_report_sms":
            statuses = said.get("statuses")
            told = statuses[0] if isinstance(statuses, list) and len(statuses) == 1 else None
        elif said.get("type") != "recipient_delivery_report_sms":
            return []
        carrier_id, code = string_of(said.get("batch_id")), dict_of(told).get("code")
        state = _STATES.get(string_of(dict_of(told).get("status")).lower())
        if state is None or not carrier_id:
            return []
        carrier_code = str(code) if type(code) is int else None
        failure = codes("sinch_report").get(carrier_code or "", Code()).failure if state in _ENDS else None
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                OUR_CODES[failure] if failure else None,
                carrier_code,
                ref=string_of(said.get("client_reference")) or ref,
                parts=count_of(said.get("number_of_message_parts")),
            )
        ]

    def _inbound(self, said: dict[str, Any], at: int) -> list[Inbound]:
        sender, to, text = (said.get(name) for name in ("from", "to", "body"))
        if not (isinstance(sender, str) and isinstance(to, str) and isinstance(text, str)):
            return []
        carrier_id = string_of(said.get("id")) or None
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id)]
