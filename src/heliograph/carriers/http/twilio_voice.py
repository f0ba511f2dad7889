"""Twilio, calls: https://www.twilio.com/docs/voice/api/call-resource"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import accepted, by_status, refused
from heliograph.carriers.http.fields import dict_of, string_of, word_of
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks
from heliograph.carriers.http.twilio import Settings as TwilioSettings
from heliograph.carriers.http.twilio import Twilio
from heliograph.carriers.port import Capabilities
from heliograph.core.channels.channel import VOICE
from heliograph.core.channels.voice import content_of
from heliograph.core.failures import PERMANENT, UNREACHABLE
from heliograph.core.message import Outcome, Receipt

# How a call ended: the fact, our class and our code. While it rings nothing is said.
_ENDS: Final = {
    "completed": ("delivered", None, None),
    "busy": ("undelivered", UNREACHABLE, "busy"),
    "no-answer": ("undelivered", UNREACHABLE, "no_answer"),
    "failed": ("undelivered", PERMANENT, "call_failed"),
    "canceled": ("refused", PERMANENT, "canceled_at_carrier"),
}
_RING_S: Final = "30"


class Settings(TwilioSettings, kw_only=True):
    """An account of Twilio, and the number that calls come from when a message names none."""

    number: str


class TwilioVoice(Twilio):
    """The text is in the request itself, so that no page of ours has to be fetched. Signs as for messages."""

    capabilities = Capabilities(receipts=True, query=True, alphanumeric=False, channels=frozenset({VOICE}))
    settings_type: ClassVar[type[provider.Settings]] = Settings

    def request(self, text: Text) -> Call:
        form = [("To", text.to), ("From", text.sender or self.settings.number), ("Twiml", _spoken(text))]
        form.append(("Timeout", _RING_S))
        if text.status_url is not None:
            form += [("StatusCallback", text.status_url), ("StatusCallbackEvent", "completed")]
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._login()}
        return Call("POST", f"{self._account()}/Calls.json", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        sid, code = string_of(said.get("sid")), word_of(said.get("code"))
        if answer.status in (200, 201) and sid:
            return accepted(sid)
        if 400 <= answer.status < 500 and code:
            return refused("twilio", code, answer)
        return by_status(answer)

    def read(self, callback: Callback) -> Heard:
        said = dict(callback.query()) if callback.method == "GET" else callback.form()
        sid, word = said.get("CallSid"), said.get("CallStatus", "")
        return Heard(self._ended(sid, word, callback.at, callback.ref()) if sid else ())

    def thanks(self, callback: Callback) -> Thanks:
        return Thanks()

    def question(self, carrier_id: str) -> Call | None:
        return Call("GET", f"{self._account()}/Calls/{quote(carrier_id, safe='')}.json", self._login())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        word = string_of(dict_of(answer.json()).get("status"))
        return self._ended(carrier_id, word, at, None) if answer.status == 200 else ()

    def _ended(self, sid: str, word: str, at: int, ref: str | None) -> list[Receipt]:
        found: tuple[str, str | None, str | None] | None = _ENDS.get(word.lower())
        if found is None:
            return []
        fact, failure, code = found
        more: dict[str, Any] = {"failure": failure, "code": code, "carrier_code": word} if failure else {}
        return [Receipt(self.name, sid, fact, at, ref=ref, **more)]


def _spoken(text: Text) -> str:
    """TwiML: a moment to lift the phone, then the text, so often as it is to be read."""
    content = content_of(text.content)
    voice = f" voice={quoteattr(content.voice)}" if content.voice is not None else ""
    say = f'<Say language={quoteattr(content.language)}{voice} loop="{content.repeat}">{escape(text.text)}</Say>'
    return f'<Response><Pause length="1"/>{say}</Response>'
