"""Plivo: https://www.plivo.com/docs/messaging/api/message/send-a-message"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, string_of, word_of
from heliograph.carriers.http.proof import basic, hmac_base64, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.channels import MMS, SMS
from heliograph.core.channels.mms import urls
from heliograph.core.message import Outcome, Receipt

_STATES: Final = {
    "queued": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "rejected": "failed",
}
_EXPIRED: Final = "420"  # the word beside it is failed or undelivered
_EXPIRY_S: Final = (5, 10_800)  # the shortest, and what they take when nothing is said: no longer one can be set
_CURRENCY: Final = "USD"  # they bill in no other


class Settings(provider.Settings, kw_only=True):
    """An account of Plivo."""

    auth_id: str
    auth_token: str
    powerpack_uuid: str | None = None  # chooses the sender of a text that has none


class Plivo(provider.Provider):
    """Reports each part of a text, under the id of the whole. No signature has a time, and V2 proves only the URL."""

    capabilities = Capabilities(
        receipts=True, inbound=True, query=True, concatenates=True, channels=frozenset({SMS, MMS})
    )
    settings_type = Settings
    host = "https://api.plivo.com"
    signing = "auth_token"

    def request(self, text: Text) -> Call:
        body: dict[str, object] = {"dst": text.digits, "text": text.text, "type": "sms"}
        if text.channel == MMS:
            body |= {"type": "mms", "media_urls": urls(text.content)}
        if text.sender is not None:
            body["src"] = text.sender.removeprefix("+")
        elif self.settings.powerpack_uuid is not None:
            body["powerpack_uuid"] = self.settings.powerpack_uuid
        body["log"] = "false"  # what we send is not for their logs
        if text.status_url is not None:
            body |= {"url": text.status_url, "method": "POST"}
        shortest, longest = _EXPIRY_S
        if text.valid_for_s < longest:
            body["message_expiry"] = max(shortest, text.valid_for_s)
        headers = {"Content-Type": "application/json", **self._login()}
        return Call("POST", f"{self._account()}/Message/", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        given = dict_of(answer.json()).get("message_uuid")
        ids = [one for one in given if isinstance(one, str) and one] if isinstance(given, list) else []
        if answer.status in (200, 201, 202) and ids:
            return accepted(*ids)
        return by_status(answer)  # an error is told in words only

    def forged(self, callback: Callback) -> str | None:
        version = "v3" if "x-plivo-signature-v3" in callback.headers else "v2"
        nonce = callback.headers.get(f"x-plivo-signature-{version}-nonce", "")
        signed = f"{_signed(callback)}.{nonce}" if version == "v3" else f"{callback.path_url}{nonce}"
        wanted = hmac_base64("sha256", self.settings.auth_token, signed.encode())
        given = callback.headers.get(f"x-plivo-signature-{version}", "")
        if any(same(one.strip(), wanted) for one in given.split(",")):
            return None
        return f"X-Plivo-Signature-{version.upper()} has no signature of this call"

    def read(self, callback: Callback) -> Heard:
        said = dict(callback.query()) if callback.method == "GET" else callback.form()
        uuid, word = said.get("ParentMessageUUID") or said.get("MessageUUID"), said.get("Status")
        if not uuid:
            return Heard()
        if word is not None:
            code, units, amount = said.get("ErrorCode"), said.get("Units"), said.get("TotalAmount")
            return Heard(self._receipts(uuid, word, code, units, amount, callback.at, ref=callback.ref()))
        if "From" not in said or "Text" not in said:
            return Heard()
        sender, to, text = said["From"], said.get("To", ""), said["Text"]
        return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=uuid)])

    def question(self, carrier_id: str) -> Call | None:
        return Call("GET", f"{self._account()}/Message/{quote(carrier_id, safe='')}/", self._login())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = dict_of(answer.json())
        if answer.status != 200:
            return ()
        state, code = said.get("message_state"), said.get("error_code")
        return self._receipts(carrier_id, state, code, said.get("units"), said.get("total_amount"), at)

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self._account()}/", self._login())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        amount = decimal_of(dict_of(answer.json()).get("cash_credits"))
        return (amount, _CURRENCY) if amount is not None and answer.status == 200 else None

    def _receipts(
        self, uuid: str, word: object, code: object, units: object, amount: object, at: int, ref: str | None = None
    ) -> list[Receipt]:
        state = _STATES.get(string_of(word).lower())
        if state is None:
            return []
        price, parts = amount_of(string_of(amount)), count_of(units)
        currency = _CURRENCY if price else None
        fact = "expired" if code == _EXPIRED else fact_of(state)
        failure = theirs = None
        if fact in ("undelivered", "refused", "expired"):
            theirs = word_of(code) or None
            failure = codes("plivo").get(theirs or "", Code()).failure
        ours = our_code(failure, "plivo", theirs) if failure is not None else None
        return [Receipt(self.name, uuid, fact, at, failure, ours, theirs, price, currency, ref=ref, parts=parts)]

    def _account(self) -> str:
        return f"{self.base}/v1/Account/{self.settings.auth_id}"

    def _login(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.auth_id, self.settings.auth_token)}


def _signed(callback: Callback) -> str:
    """What V3 signs before the nonce: the URL with its query in order, then the form in order."""
    query = "&".join(f"{name}={value}" for name, value in sorted(callback.query()))
    pairs = [] if callback.method == "GET" else callback.form_pairs()
    form = "".join(name + value for name, value in sorted(pairs))
    if not query and not form:
        return callback.path_url
    return f"{callback.path_url}?{query}{'.' if query and form else ''}{form}"
