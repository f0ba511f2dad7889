"""Any provider whose HTTP API can be declared: the generic connector. docs/generic-http.md has whole examples."""

from heliograph.carriers.http import provider
from heliograph.carriers.http.generic.answering import Answering
from heliograph.carriers.http.generic.checking import mistakes
from heliograph.carriers.http.generic.hearing import Hearing
from heliograph.carriers.http.generic.proving import Proving
from heliograph.carriers.http.generic.sending import Sending
from heliograph.carriers.http.generic.settings import Settings
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks
from heliograph.core.failures import CONTENT
from heliograph.core.message import Outcome

__all__ = ["Generic", "Settings"]


class Generic(provider.Provider):
    """Does what its settings declare; they are read once, when it is built."""

    settings_type = Settings
    host = ""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(name, settings)
        self._sending = Sending(settings, self.base)
        self._answering = Answering(settings)
        self._hearing = Hearing(name, settings)
        self._proving = Proving(settings)

    @classmethod
    def check(cls, settings: Settings) -> tuple[str, str] | None:
        return next(mistakes(settings), None)

    def refusal(self, text: Text) -> Outcome | None:
        """Why a text must not be sent at all; None when it may."""
        longest = self.settings.limits.max_length
        if longest is None or len(text.text) <= longest:
            return None
        return Outcome("refused", failure=CONTENT, code="text_too_long")

    def request(self, text: Text) -> Call:
        return self._sending.call(text)

    def answer(self, text: Text, answer: Answer) -> Outcome:
        return self._answering.outcome(text, answer)

    def verify(self, callback: Callback) -> str | None:
        if self.settings.proof.kind != "token":
            return self._proving.forged(callback)
        return super().verify(callback) if self.settings.callback_token else "no calls are declared"

    def read(self, callback: Callback) -> Heard:
        return self._hearing.read(callback)

    def thanks(self, callback: Callback) -> Thanks:
        own = self.settings.own_answer
        return Thanks(own.status, own.media_type, own.body.encode())
