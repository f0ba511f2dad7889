"""BulkSMS: https://www.bulksms.com/developer/json/v1/"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status
from heliograph.carriers.http.fields import count_of, decimal_of, dict_of, dicts_of, first_of, string_of
from heliograph.carriers.http.proof import basic
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.failures import OPTED_OUT, UNKNOWN, UNREACHABLE
from heliograph.core.message import Inbound, Outcome, Receipt

_STATES: Final = {
    "ACCEPTED": "accepted",
    "SCHEDULED": "queued",
    "SENT": "sent",
    "DELIVERED": "delivered",
    "UNKNOWN": "sent",
    "FAILED": "undelivered",
}
# What FAILED says more: our word, and the class of failure.
_ENDS: Final = {
    "EXPIRED": ("expired", UNREACHABLE),
    "HANDSET_ERROR": ("undelivered", UNREACHABLE),  # its memory is full, for instance
    "BLOCKED": ("failed", OPTED_OUT),  # the recipient answered STOP to them
    "NOT_SENT": ("failed", UNKNOWN),
}
_PARTS_BY_DEFAULT: Final = 3
_REF_MAX: Final = 20
_NUMBERS: Final = 2**31  # they know a submission again by a number below it, for about 12 hours


class Settings(provider.Settings, kw_only=True):
    """An API token of BulkSMS."""

    token_id: str
    secret: str


class BulkSms(provider.Provider):
    """Signs nothing: the token in the webhook's URL, which is set once for the account, is the proof."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, idempotent=True, concatenates=True)
    settings_type = Settings
    host = "https://api.bulksms.com"

    def request(self, text: Text) -> Call:
        body: dict[str, Any] = {
            "to": text.to,
            "body": text.text,
            "longMessageMaxParts": max(_PARTS_BY_DEFAULT, text.segments),
            "deliveryReports": "ALL",
        }
        if len(text.ref) <= _REF_MAX:
            body["userSuppliedId"] = text.ref
        if text.sender is not None:
            body["from"] = {"type": _type_of(text.sender), "address": text.sender}
        query = urlencode({"auto-unicode": "true", "deduplication-id": text.number % _NUMBERS})
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/v1/messages?{query}", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = answer.json()
        one = first_of(said)
        carrier_id, ref = string_of(one.get("id")), string_of(one.get("userSuppliedId"))
        # The number is a message's: a further try has it too, and so may another installation with the same account.
        # The later text is then not sent, and answered like the earlier one.
        if 200 <= answer.status < 300 and carrier_id and ref in ("", text.ref):
            return accepted(carrier_id, parts=count_of(one.get("numberOfParts")))
        _, mark, word = string_of(dict_of(said).get("type")).rpartition("#")  # a problem type is an address
        outcome = by_status(answer)
        return msgspec.structs.replace(outcome, carrier_code=word) if mark and word else outcome

    def read(self, callback: Callback) -> Heard:
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        for one in dicts_of(callback.json()):
            if one.get("type") == "RECEIVED":
                inbound += self._replies(one, callback.at)
            elif one.get("type") == "SENT":
                receipts += self._receipts(one, callback.at)
        return Heard(receipts, inbound)

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self.base}/v1/messages/{quote(carrier_id, safe='')}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = dict_of(answer.json())
        return self._receipts(said, at) if answer.status == 200 and said.get("id") == carrier_id else ()

    def balance_request(self) -> Call:
        return Call("GET", f"{self.base}/v1/profile", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        left = decimal_of(dict_of(dict_of(answer.json()).get("credits")).get("balance"))
        return (left, "credits") if left is not None and answer.status == 200 else None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.token_id, self.settings.secret)}

    def _receipts(self, one: Mapping[str, Any], at: int) -> list[Receipt]:
        status, carrier_id = dict_of(one.get("status")), string_of(one.get("id"))
        word = string_of(status.get("type")).upper()
        if word not in _STATES or not carrier_id:
            return []
        state, failure, code = _STATES[word], None, None
        if word == "FAILED":
            why = string_of(status.get("subtype")).upper()
            state, failure = _ENDS.get(why, (state, UNKNOWN))
            code = f"FAILED.{why}" if why else "FAILED"
        ours = OUR_CODES[failure] if failure else None
        ref, parts = string_of(one.get("userSuppliedId")) or None, count_of(one.get("numberOfParts"))
        # `creditCost` is no price: what a credit costs is between the account and them.
        return [Receipt(self.name, carrier_id, fact_of(state), at, failure, ours, code, ref=ref, parts=parts)]

    def _replies(self, one: Mapping[str, Any], at: int) -> list[Inbound]:
        sender, to, text = string_of(one.get("from")), string_of(one.get("to")), one.get("body")
        if not sender or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=string_of(one.get("id")) or None)]


def _type_of(sender: str) -> str:
    digits = sender.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return "ALPHANUMERIC"
    return "SHORTCODE" if len(digits) <= 6 else "INTERNATIONAL"
