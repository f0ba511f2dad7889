"""SMS.to: https://support.sms.to/support/solutions/articles/43000695113"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status, refused
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, string_of, word_of
from heliograph.carriers.http.proof import hmac_hex, is_stale, same, sha256_hex
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.failures import OPTED_OUT, PERMANENT, UNKNOWN, UNREACHABLE
from heliograph.core.message import Inbound, Outcome, Receipt

_AUTH_HOST: Final = "https://auth.sms.to"  # the balance lives with the accounts, not with the messages

# Their word: ours, and the class of failure of a bad end.
_STATES: Final[dict[str, tuple[str, str | None]]] = {
    "PENDING": ("queued", None),
    "QUEUED": ("queued", None),
    "ONGOING": ("sending", None),
    "SENDING": ("sending", None),
    "SENT": ("sent", None),
    "DELIVERED": ("delivered", None),
    "UNDELIVERED": ("undelivered", UNREACHABLE),
    "FAILED": ("failed", UNKNOWN),
    "REJECTED": ("failed", PERMANENT),
    "EXPIRED": ("expired", UNREACHABLE),
    "UNSUBSCRIBED": ("failed", OPTED_OUT),
    "OPTED_OUT": ("failed", OPTED_OUT),  # only other people's code knows it, but a no must not be missed
}
_STALE_S: Final = 12 * 3_600  # the repeats go on for 7 hours or more, perhaps with the time of the first


class Settings(provider.Settings, kw_only=True):
    """An account of SMS.to."""

    api_key: str
    signature_secret: str | None = None  # of "secure webhooks"
    currency_of_account: str = "EUR"  # prices come without one


class SmsTo(provider.Provider):
    """Signs the body, then the time; repeats a callback after 1, 2 and 4 hours unless it hears 200 within 3 s."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, concatenates=True)
    settings_type = Settings
    host = "https://api.sms.to"
    signing = "signature_secret"

    def request(self, text: Text) -> Call:
        body: dict[str, Any] = {"message": text.text, "to": text.to, "bypass_optout": False}
        if text.sender is not None:
            body["sender_id"] = text.sender
        if text.status_url is not None:
            body["callback_url"] = text.status_url
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/sms/send", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        if 200 <= answer.status < 300:
            carrier_id = string_of(said.get("message_id"))
            return accepted(carrier_id) if carrier_id and said.get("success") is not False else by_status(answer)
        if answer.status == 422 and "opted out" in string_of(said.get("message")).lower():
            return Outcome("refused", failure=OPTED_OUT, code=OUR_CODES[OPTED_OUT], carrier_code="422")
        return refused("smsto", str(answer.status), answer)

    def forged(self, callback: Callback) -> str | None:
        header = callback.headers.get("x-smsto-signature", "")
        parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
        signed_at, signature = parts.get("t", ""), parts.get("s", "")
        wanted = hmac_hex("sha256", self.settings.signature_secret, callback.body + f".{signed_at}".encode())
        if not same(signature, wanted):
            return "X-SMSto-Signature does not fit the body"
        return "X-SMSto-Signature is too old" if is_stale(signed_at, callback.at, _STALE_S) else None

    def read(self, callback: Callback) -> Heard:
        fields: Mapping[str, Any] = dict_of(callback.json()) or callback.form()  # an account can be switched to JSON
        if "messageId" in fields:
            return Heard(self._receipts(string_of(fields["messageId"]), fields, callback.at, callback.ref()))
        if isinstance(fields.get("from"), str) and isinstance(fields.get("message"), str):
            return Heard(inbound=[self._reply(fields, callback.at)])
        return Heard()

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self.base}/message/{quote(carrier_id, safe='')}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        return self._receipts(carrier_id, dict_of(answer.json()), at, None) if answer.status == 200 else ()

    def balance_request(self) -> Call:
        base = (self.settings.base_url or _AUTH_HOST).rstrip("/")
        return Call("GET", f"{base}/api/balance", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = dict_of(answer.json())
        amount, currency = decimal_of(said.get("balance")), string_of(said.get("currency"))
        if answer.status != 200 or amount is None:
            return None
        return amount, currency or self.settings.currency_of_account

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key}", "Accept": "application/json"}

    def _receipts(self, carrier_id: str, fields: Mapping[str, Any], at: int, ref: str | None) -> list[Receipt]:
        word = string_of(fields.get("status")).upper()
        if word not in _STATES or not carrier_id:
            return []
        state, failure = _STATES[word]
        price = amount_of(fields.get("price"))
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                code=OUR_CODES[failure] if failure else None,
                carrier_code=word if failure else None,
                price=price,
                currency=self.settings.currency_of_account if price else None,
                ref=ref,
                parts=count_of(fields.get("parts")),
            )
        ]

    def _reply(self, fields: Mapping[str, Any], at: int) -> Inbound:
        """Replies come without an id, and again when we were slow: what it says and when is who it is."""
        sender, to, text = fields["from"], word_of(fields.get("to")), fields["message"]
        received = word_of(fields.get("receivedDate"))
        carrier_id = sha256_hex("\n".join((sender, to, received, text)).encode())[:32] if received else None
        return self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=carrier_id)
