"""Telnyx: https://developers.telnyx.com/api-reference/messages"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, first_of, string_of, word_of
from heliograph.carriers.http.looking import looked
from heliograph.carriers.http.proof import ed25519_verifies, is_stale
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.channels import MMS, SMS
from heliograph.core.channels.mms import urls
from heliograph.core.failures import UNKNOWN
from heliograph.core.lookups import Looked
from heliograph.core.message import Outcome, Receipt

_STATES: Final = {
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "delivery_failed": "undelivered",
    "sending_failed": "failed",
    "expired": "expired",
    "delivery_unconfirmed": "sent",  # their end without a receipt: for us it proves nothing
}
_REPORTS: Final = ("message.sent", "message.finalized")
_EXPIRED: Final = "40014"  # it waited too long in their queue; the word is sending_failed


class Settings(provider.Settings, kw_only=True):
    """An account of Telnyx."""

    api_key: str
    public_key: str | None = None  # of the account, in base64: proves callbacks
    messaging_profile_id: str | None = None  # needed for senders that are names, and for number pools


class Telnyx(provider.Provider):
    """Takes a text once for each reference, however often we send it within a day. Signs with Ed25519."""

    capabilities = Capabilities(
        receipts=True, inbound=True, query=True, idempotent=True, concatenates=True, channels=frozenset({SMS, MMS})
    )
    settings_type = Settings
    host = "https://api.telnyx.com"
    signing = "public_key"

    def request(self, text: Text) -> Call:
        # A repeat has to be the same to the byte: nothing here may differ from one try to the next.
        body: dict[str, object] = {"to": text.to, "text": text.text, "type": "SMS"}
        if text.channel == MMS:
            body |= {"type": "MMS", "media_urls": urls(text.content)}
        if text.sender is not None:
            body["from"] = text.sender
        if self.settings.messaging_profile_id is not None:
            body["messaging_profile_id"] = self.settings.messaging_profile_id
        if text.status_url is not None:  # without one, let the profile's URL have the reports
            body |= {"webhook_url": text.status_url, "use_profile_webhooks": False}
        if text.channel == SMS:
            body["encoding"] = (
                "ucs2" if text.encoding == "ucs2" else "auto"
            )  # auto would put like letters for rare ones
        headers = {"Content-Type": "application/json", "Idempotency-Key": text.ref, **self._login()}
        return Call("POST", f"{self.base}/v2/messages", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = answer.json()
        message, code = _data(said), _code(said)
        carrier_id = string_of(message.get("id"))
        if answer.status in (200, 201, 202) and carrier_id:
            return accepted(carrier_id, parts=_parts(message), **_price(message))
        if answer.status == 409 and code not in codes("telnyx"):  # perhaps our first try is still at work there
            return Outcome("unknown", failure=UNKNOWN, code="unclear_answer", carrier_code=code or "409")
        if code is not None and 400 <= answer.status < 500:
            return refused("telnyx", code, answer)
        return by_status(answer)  # with 5xx the code doesn't say either whether the text was taken

    def forged(self, callback: Callback) -> str | None:
        timestamp = callback.headers.get("telnyx-timestamp", "")
        if is_stale(timestamp, callback.at):
            return "telnyx-timestamp is missing or too far from now"
        signature = callback.headers.get("telnyx-signature-ed25519", "")
        if ed25519_verifies(self.settings.public_key, signature, timestamp.encode() + b"|" + callback.body):
            return None
        return "telnyx-signature-ed25519 is not that of this time and body"

    def read(self, callback: Callback) -> Heard:
        event = _data(callback.json())
        message = dict_of(event.get("payload"))
        carrier_id = string_of(message.get("id"))
        if not carrier_id:
            return Heard()
        if event.get("event_type") in _REPORTS:
            return Heard(self._receipts(carrier_id, message, callback.at, callback.ref()))
        sender = string_of(dict_of(message.get("from")).get("phone_number"))
        to = string_of(first_of(message.get("to")).get("phone_number"))
        if event.get("event_type") != "message.received" or not sender or not to:
            return Heard()
        text = string_of(message.get("text"))  # none comes with pictures only
        return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=carrier_id)])

    def question(self, carrier_id: str) -> Call | None:
        return Call("GET", f"{self.base}/v2/messages/{quote(carrier_id, safe='')}", self._login())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        return self._receipts(carrier_id, _data(answer.json()), at) if answer.status == 200 else ()

    def lookup_request(self, e164: str) -> Call | None:
        return Call("GET", f"{self.base}/v2/number_lookup/{e164}?type=carrier", self._login())

    def lookup(self, answer: Answer) -> Looked | None:
        line = dict_of(_data(answer.json()).get("carrier"))
        if answer.status != 200 or not line:
            return None
        mcc, mnc = line.get("mobile_country_code"), line.get("mobile_network_code")
        return looked(word=line.get("type"), carrier=line.get("name"), mcc=mcc, mnc=mnc)

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self.base}/v2/balance", self._login())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = _data(answer.json())
        amount, currency = decimal_of(said.get("balance")), string_of(said.get("currency"))
        return (amount, currency) if amount is not None and currency and answer.status == 200 else None

    def _receipts(self, carrier_id: str, message: dict[str, Any], at: int, ref: str | None = None) -> list[Receipt]:
        state = _STATES.get(string_of(first_of(message.get("to")).get("status")).lower())
        if state is None:
            return []
        code = _code(message)
        fact = "expired" if code == _EXPIRED else fact_of(state)
        more: dict[str, Any] = {"ref": ref, "parts": _parts(message), **_price(message)}
        if fact not in ("undelivered", "refused", "expired"):
            return [Receipt(self.name, carrier_id, fact, at, **more)]
        failure = codes("telnyx").get(code or "", Code()).failure
        return [Receipt(self.name, carrier_id, fact, at, failure, our_code(failure, "telnyx", code), code, **more)]

    def _login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key}"}


def _data(said: object) -> dict[str, Any]:
    return dict_of(dict_of(said).get("data"))


def _code(said: object) -> str | None:
    """The code of the first error that an answer or a message tells."""
    return word_of(first_of(dict_of(said).get("errors")).get("code")) or None


def _parts(message: dict[str, Any]) -> int | None:
    parts = message.get("parts")
    return count_of(parts) if isinstance(parts, int) else None


def _price(message: dict[str, Any]) -> dict[str, str]:
    cost = dict_of(message.get("cost"))
    price, currency = amount_of(cost.get("amount")), string_of(cost.get("currency"))
    return {"price": price, "currency": currency} if price and currency else {}
