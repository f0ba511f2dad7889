"""BulkSMS: https://www.bulksms.com/developer/json/v1/"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status
from heliograph.carriers.http.proof import basic, sha256_hex
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
_CREDITS: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


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
        query = urlencode({"auto-unicode": "true", "deduplication-id": _number_of(text.ref)})
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", f"{self.base}/v1/messages?{query}", headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = answer.json()
        if isinstance(said, dict) and answer.status >= 300:
            _, mark, word = _word(said.get("type")).rpartition("#")  # a problem type is an address
            outcome = by_status(answer)
            return msgspec.structs.replace(outcome, carrier_code=word) if mark and word else outcome
        one = said[0] if isinstance(said, list) and said and isinstance(said[0], dict) else {}
        carrier_id, ref = _word(one.get("id")), _word(one.get("userSuppliedId"))
        # Two references can have one number; the later text is then not sent, and answered like the earlier one.
        if not 200 <= answer.status < 300 or not carrier_id or ref not in ("", text.ref):
            return by_status(answer)
        return accepted(carrier_id, parts=_parts(one))

    def read(self, callback: Callback) -> Heard:
        said = callback.json()
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        for one in said if isinstance(said, list) else ():
            if isinstance(one, dict) and one.get("type") == "RECEIVED":
                inbound += self._replies(one, callback.at)
            elif isinstance(one, dict) and one.get("type") == "SENT":
                receipts += self._receipts(one, callback.at)
        return Heard(receipts, inbound)

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self.base}/v1/messages/{quote(carrier_id, safe='')}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = answer.json()
        if answer.status != 200 or not isinstance(said, dict) or said.get("id") != carrier_id:
            return ()
        return self._receipts(said, at)

    def balance_request(self) -> Call:
        return Call("GET", f"{self.base}/v1/profile", self._headers())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = answer.json()
        credit = said.get("credits") if answer.status == 200 and isinstance(said, dict) else None
        left = credit.get("balance") if isinstance(credit, dict) else None
        if not isinstance(left, int | float) or not _CREDITS.fullmatch(str(left)):
            return None
        return str(left), "credits"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.token_id, self.settings.secret)}

    def _receipts(self, one: Mapping[str, Any], at: int) -> list[Receipt]:
        status, carrier_id = one.get("status"), _word(one.get("id"))
        word = _word(status.get("type")).upper() if isinstance(status, dict) else ""
        if word not in _STATES or not carrier_id:
            return []
        state, failure, code = _STATES[word], None, None
        if isinstance(status, dict) and word == "FAILED":
            why = _word(status.get("subtype")).upper()
            state, failure = _ENDS.get(why, (state, UNKNOWN))
            code = f"FAILED.{why}" if why else "FAILED"
        ours = OUR_CODES[failure] if failure else None
        ref, parts = _word(one.get("userSuppliedId")) or None, _parts(one)
        # `creditCost` is no price: what a credit costs is between the account and them.
        return [Receipt(self.name, carrier_id, fact_of(state), at, failure, ours, code, ref=ref, parts=parts)]

    def _replies(self, one: Mapping[str, Any], at: int) -> list[Inbound]:
        sender, to, text = _word(one.get("from")), _word(one.get("to")), one.get("body")
        if not sender or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=_word(one.get("id")) or None)]


def _number_of(ref: str) -> int:
    """They know a submission again by a number of 31 bits, for about 12 hours."""
    return int(sha256_hex(ref.encode())[:8], 16) & 0x7FFF_FFFF


def _type_of(sender: str) -> str:
    digits = sender.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return "ALPHANUMERIC"
    return "SHORTCODE" if len(digits) <= 6 else "INTERNATIONAL"


def _parts(one: Mapping[str, Any]) -> int | None:
    parts = one.get("numberOfParts")
    return parts if type(parts) is int and 0 < parts < 1000 else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
