"""Bandwidth: https://dev.bandwidth.com/docs/messaging/"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import count_of, dict_of, dicts_of, string_of, word_of
from heliograph.carriers.http.proof import basic, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.channels import MMS, SMS
from heliograph.core.channels.mms import urls
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


class Settings(provider.WithTokens, kw_only=True):
    """An account of Bandwidth and the application whose URL gets the callbacks."""

    account_id: str
    application_id: str
    username: str | None = None
    password: str | None = None
    callback_username: str | None = None  # as set on the application, instead of a token in its URL
    callback_password: str | None = None


class Bandwidth(provider.Provider):
    """Signs nothing: the proof is the token in the callback URL, or the credentials that the application was given."""

    capabilities = Capabilities(
        receipts=True, inbound=True, query=True, concatenates=True, channels=frozenset({SMS, MMS})
    )
    settings_type = Settings
    proving = ("username", "password")
    host = "https://messaging.bandwidth.com"

    @classmethod
    def check(cls, settings: Any) -> tuple[str, str] | None:
        if bool(settings.callback_username) != bool(settings.callback_password):
            return "callback_password", "callback_username and callback_password go together: set both or none"
        wrong = super().check(settings)
        is_open = wrong is not None and wrong[0] == "callback_token"  # what stands in for it is the application's proof
        return None if is_open and settings.callback_username else wrong

    def request(self, text: Text) -> Call:
        expiration = datetime.fromtimestamp(text.at // 1000 + text.valid_for_s, UTC)
        body: dict[str, object] = {
            "applicationId": self.settings.application_id,
            "to": [text.to],
            "from": text.sender or "",
            "text": text.text,
            "tag": text.ref,
            "priority": "high" if text.kind == OTP else "default",
            "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if text.channel == MMS:
            body["media"] = urls(text.content)
        headers = {"Content-Type": "application/json", **self._headers()}
        return Call("POST", self._messages(), headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, word = string_of(said.get("id")), string_of(said.get("type"))
        if 200 <= answer.status < 300 and carrier_id:
            return accepted(carrier_id, parts=count_of(said.get("segmentCount")))
        return refused("bandwidth", word, answer) if word else by_status(answer)

    def verify(self, callback: Callback) -> str | None:
        user, password = self.settings.callback_username, self.settings.callback_password
        if user and password and same(callback.headers.get("authorization", ""), basic(user, password)):
            return None
        return super().verify(callback) if self.settings.callback_token else "the Basic credentials are wrong"

    def read(self, callback: Callback) -> Heard:
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        for event in dicts_of(callback.json()):
            kind, message = string_of(event.get("type")), dict_of(event.get("message"))
            if kind == "message-received":
                inbound += self._replies(event, message, callback.at)
            elif kind.startswith("message-"):
                carrier_id, word = string_of(message.get("id")), kind.removeprefix("message-")
                receipts += self._receipts(carrier_id, word, event.get("errorCode"), message, callback.at)
        return Heard(receipts, inbound)

    def question(self, carrier_id: str) -> Call:
        return Call("GET", f"{self._messages()}?{urlencode({'messageId': carrier_id})}", self._headers())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        receipts: list[Receipt] = []
        for one in dicts_of(dict_of(answer.json()).get("messages")) if answer.status == 200 else ():
            if one.get("messageId") == carrier_id:
                word, error = string_of(one.get("messageStatus")), one.get("errorCode")
                receipts += self._receipts(carrier_id, word, error, one, at)
        return receipts

    def _messages(self) -> str:
        return f"{self.base}/api/v2/users/{quote(self.settings.account_id, safe='')}/messages"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.settings.username or "", self.settings.password or "")}

    def _receipts(
        self, carrier_id: str, word: str, error: object, message: Mapping[str, Any], at: int
    ) -> list[Receipt]:
        state = _STATES.get(word.lower())
        if state is None or not carrier_id:
            return []
        failure = carrier_code = None
        if state == "undelivered":
            carrier_code = (word_of(error) or None) if error else None  # 0 is none
            state = _end(carrier_code)
            failure = None if state == "sent" else codes("bandwidth").get(carrier_code or "", Code()).failure
        ours = our_code(failure, "bandwidth", carrier_code) if failure else None
        ref, parts = string_of(message.get("tag")) or None, count_of(message.get("segmentCount"))
        return [Receipt(self.name, carrier_id, fact_of(state), at, failure, ours, carrier_code, ref=ref, parts=parts)]

    def _replies(self, event: Mapping[str, Any], message: Mapping[str, Any], at: int) -> list[Inbound]:
        sender, to, text = string_of(message.get("from")), string_of(event.get("to")), message.get("text")
        if not sender or not to or not isinstance(text, str):
            return []
        return [self.inbound(sender=sender, to=to, text=text, at=at, carrier_id=string_of(message.get("id")) or None)]


def _end(code: str | None) -> str:
    """What their "failed" is: with 4001 to 4499 they refused it themselves, and no carrier saw it."""
    if code == _NO_RECEIPT_CAME:
        return "sent"
    if code == _EXPIRED:
        return "expired"
    return "failed" if code and code[:2] in _THEIR_OWN else "undelivered"
