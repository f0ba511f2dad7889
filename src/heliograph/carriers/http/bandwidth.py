"""Bandwidth: https://dev.bandwidth.com/docs/messaging/"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, Code, accepted, by_status, codes, refused
from heliograph.carriers.http.proof import basic, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.message import OTP, Inbound, Outcome, Receipt

# Words of the query; events have the same after "message-".
_STATES: Final = {
    "received": "accepted",
    "accepted": "accepted",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "undelivered",
    "undelivered": "undelivered",
}
_EXPIRED: Final = "4360"
_THEIR_OWN: Final = ("40", "41", "42", "43", "44")
_NO_RECEIPT_CAME: Final = "9902"  # they call it a failure, but nobody knows


class Settings(provider.Settings, kw_only=True):
    """An account of Bandwidth and the application whose URL gets the callbacks."""

    account_id: str
    application_id: str
    username: str
    password: str
    callback_username: str | None = None  # as set on the application, instead of a token in its URL
    callback_password: str | None = None


class Bandwidth(provider.Provider):
    """Signs nothing: the proof is the token in the callback URL, or the credentials that the application was given."""

    capabilities = Capabilities(receipts=True, inbound=True, query=True, concatenates=True)
    settings_type = Settings
    host = "https://messaging.bandwidth.com"

    @classmethod
    def check(cls, settings: Any) -> tuple[str, str] | None:
        if bool(settings.callback_username) != bool(settings.callback_password):
            return "callback_password", "callback_username and callback_password go together: set both or none"
        return None if settings.callback_username else super().check(settings)

    def request(self, text: Text) -> Call:
        # No `expiration`: it is a point in time, and `Text` knows only a span.
        body = {
            "applicationId": self.settings.application_id,
            "to": [text.to],
            "from": text.sender or "",
            "text": text.text,
            "tag": text.ref,
            "priority": "high" if text.kind == OTP else "default",
        }
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", self._messages(), headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = answer.json()
        if not isinstance(said, dict):
            return by_status(answer)
        carrier_id, word = _word(said.get("id")), _word(said.get("type"))
        if 200 <= answer.status < 300 and carrier_id:
            return accepted(carrier_id, parts=_parts(said))
        return refused("bandwidth", word, answer) if word else by_status(answer)

    def verify(self, callback: Callback) -> str | None:
        user, password = self.settings.callback_username, self.settings.callback_password
        if user and password and same(callback.headers.get("authorization", ""), basic(user, password)):
            return None
        return super().verify(callback) if self.settings.callback_token else "the Basic credentials are wrong"

    def read(self, callback: Callback) -> Heard:
        said = callback.json()
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        for event in said if isinstance(said, list) else ():
            message = event.get("message") if isinstance(event, dict) else None
            if not isinstance(message, dict):
                continue
            kind, carrier_id = _word(event.get("type")), _word(message.get("id"))
            if kind == "message-received":
                inbound += self._replies(event, message, callback.at)
            elif kind.startswith("message-"):
                word = kind.removeprefix("message-")
                receipts += self._receipts(carrier_id, word, event.get("errorCode"), message, callback.at)
        return Heard(receipts, inbound)

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self._messages()}?{urlencode({'messageId': carrier_id})}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = answer.json()
        found = said.get("messages") if answer.status == 200 and isinstance(said, dict) else None
        receipts: list[Receipt] = []
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and one.get("messageId") == carrier_id:
                receipts += self._receipts(carrier_id, _word(one.get("messageStatus")), one.get("errorCode"), one, at)
        return receipts

    def _messages(self) -> str:
        return f"{self.base}/api/v2/users/{quote(self.settings.account_id, safe='')}/messages"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.username, self.settings.password)}

    def _receipts(
        self, carrier_id: str, word: str, error: object, message: Mapping[str, Any], at: int
    ) -> list[Receipt]:
        state = _STATES.get(word.lower())
        if state is None or not carrier_id:
            return []
        failure = carrier_code = None
        if state == "undelivered":
            carrier_code = str(error) if error and isinstance(error, int | str) else None  # 0 is none
            state = _end(carrier_code)
            failure = None if state == "sent" else codes("bandwidth").get(carrier_code or "", Code()).failure
        ours = OUR_CODES[failure] if failure else None
        ref, parts = _word(message.get("tag")) or None, _parts(message)
        return [Receipt(self.name, carrier_id, fact_of(state), at, failure, ours, carrier_code, ref=ref, parts=parts)]

    def _replies(self, event: Mapping[str, Any], message: Mapping[str, Any], at: int) -> list[Inbound]:
        sender, to, text = _word(message.get("from")), _word(event.get("to")), message.get("text")
        if not sender or not to or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=_word(message.get("id")) or None)]


def _end(code: str | None) -> str:
    """What their "failed" is: with 4001 to 4499 they refused it themselves, and no carrier saw it."""
    if code == _NO_RECEIPT_CAME:
        return "sent"
    if code == _EXPIRED:
        return "expired"
    return "failed" if code and code[:2] in _THEIR_OWN else "undelivered"


def _parts(said: Mapping[str, Any]) -> int | None:
    parts = said.get("segmentCount")
    return parts if type(parts) is int and 0 < parts < 1000 else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
