"""What an HTTP provider's adapter is: pure functions between our words and the provider's.

An adapter is a class with its settings, one screen long, always in the same order: `request` and `answer` for a send,
`forged` and `read` for what the provider calls us with, and, where the provider offers it, `question` and `report`
(what became of a message?), `balance_request` and `balance`, `lookup_request` and `lookup` (what is this number?), and
`opt_outs_request` and `opt_outs` (who has said no to the provider?). It has no time-outs, retries, logs or sockets:
`carrier` does all that, the same for every provider.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec

from heliograph.carriers.http.proof import same
from heliograph.carriers.http.tokens import Grant
from heliograph.carriers.port import Callback, Capabilities, Heard, Thanks, json_of
from heliograph.core.channels import SMS
from heliograph.core.lookups import Looked
from heliograph.core.message import Inbound, Outcome, Receipt

__all__ = ["Answer", "Call", "Callback", "Heard", "Provider", "Settings", "Text", "Thanks", "fact_of", "plus"]


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text on its way: all that an adapter may look at."""

    to: str  # E.164, with its +
    sender: str | None
    text: str
    encoding: str = "gsm7"  # gsm7 | ucs2
    segments: int = 1
    kind: str = "transactional"
    ref: str = "att-1"  # ours, of at most 20 characters; the same again only where the outcome of a try is not known
    number: int = 1  # of the message, unique in this installation
    status_url: str | None = None  # where to report; None when no public URL is set
    at: int = 1_795_210_200_000  # now, in milliseconds
    valid_for_s: int = 86_400
    channel: str = SMS
    content: str | None = None  # what the channel takes beside the text, as core.channels reads it

    @property
    def digits(self) -> str:
        """The number as providers want it that know no plus sign."""
        return self.to.lstrip("+")


class Call(msgspec.Struct, frozen=True):
    """A request to a provider."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """A provider's whole answer."""

    status: int
    body: bytes = b""
    retry_after_ms: int | None = None

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        return json_of(self.body)

    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every HTTP connector may set."""

    base_url: str | None = None  # another host: a region, a test server
    timeout_ms: int = 10_000
    callback_token: str | None = None  # the unguessable part of our callback URL, for providers that sign nothing


class WithTokens(Settings, kw_only=True):
    """Settings of a provider that also takes OAuth 2.0 client credentials."""

    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_scope: str | None = None

    def proof_lacks(self, own: Sequence[str]) -> str | None:
        """Which setting is missing of those that prove us: a whole grant, or the provider's own ones."""
        grant = ("token_url", "client_id", "client_secret")
        wanted = grant if any(getattr(self, name) for name in grant) else own
        return next((name for name in wanted if not getattr(self, name)), None)


class OptOuts(msgspec.Struct, frozen=True):
    """A page of a provider's opt-out list."""

    numbers: Sequence[str]  # in E.164
    page: str | None  # where the next one begins


class Provider(ABC):
    """One provider. Subclasses name their settings and capabilities."""

    capabilities: ClassVar[Capabilities] = Capabilities(receipts=True, inbound=True, concatenates=True)
    settings_type: ClassVar[type[Settings]]
    host: ClassVar[str]  # the scheme and host of the API
    signing: ClassVar[str | None] = None  # the setting that holds the secret or key of its callbacks' signatures
    proving: ClassVar[tuple[str, ...]] = ()  # the settings that prove us where no tokens are used, if those may be

    def __init__(self, name: str, settings: Any) -> None:
        self.name = name
        self.settings = settings
        self.base = (settings.base_url or self.host).rstrip("/")

    @classmethod
    def check(cls, settings: Any) -> tuple[str, str] | None:
        """What can't work about the settings: key and reason."""
        if cls.proving and (missing := settings.proof_lacks(cls.proving)):
            ways = f"set {' and '.join(cls.proving)}, or token_url, client_id and client_secret for OAuth 2.0"
            return missing, f"it is missing: {ways}"
        if settings.callback_token or (cls.signing and getattr(settings, cls.signing)):
            return None
        token = "callback_token, an unguessable word that our callback URL shows"
        if cls.signing is None:
            return "callback_token", f"this provider signs nothing: set {token}"
        return cls.signing, f"set {cls.signing}, or as long as the provider does not sign, {token}"

    def grant(self) -> Grant | None:
        """How access tokens are got; None where the settings hold what proves us."""
        own = self.settings
        if not isinstance(own, WithTokens) or not (own.token_url and own.client_id and own.client_secret):
            return None
        return Grant(own.token_url, own.client_id, own.client_secret, own.token_scope)

    def refusal(self, text: Text) -> Outcome | None:
        """Why a text can't be sent this way, known before it is tried; None when it can."""
        return None

    @abstractmethod
    def request(self, text: Text) -> Call:
        """The request that sends a text."""

    @abstractmethod
    def answer(self, text: Text, answer: Answer) -> Outcome:
        """What a whole answer to `request` says, whatever its status."""

    def verify(self, callback: Callback) -> str | None:
        """Why a callback can't be genuine; None when it is: by its signature, or by the token in its URL."""
        if self.signing and getattr(self.settings, self.signing):
            return self.forged(callback)
        wanted = self.settings.callback_token
        if not wanted:  # such as a reference to a secret that has become empty
            return "neither a signing secret nor a callback_token is set"
        token = dict(callback.query()).get("token", "")
        return None if same(token, wanted) else "the token in the URL is wrong"

    def forged(self, callback: Callback) -> str | None:
        """Why the signature can't be the provider's; None when it is. Who names a setting in `signing` says how."""
        return "this provider signs nothing"

    @abstractmethod
    def read(self, callback: Callback) -> Heard:
        """What a genuine callback says."""

    def thanks(self, callback: Callback) -> Thanks:
        return Thanks()

    def question(self, carrier_id: str) -> Call | None:
        """The request that asks what became of a message; None when the provider can't be asked."""
        return None

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        """What the answer to `question` says."""
        return ()

    def balance_request(self) -> Call | None:
        return None

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        """Amount and currency."""
        return None

    def lookup_request(self, e164: str) -> Call | None:
        """The request that asks about a number."""
        return None

    def lookup(self, answer: Answer) -> Looked | None:
        """What the answer to `lookup_request` says; None when it is none."""
        return None

    def opt_outs_request(self, page: str | None, at: int) -> Call | None:
        """The request for a page of the numbers that the provider has as opted out; None where it has no such list."""
        return None

    def opt_outs(self, answer: Answer) -> OptOuts | None:
        """The page; None when the answer is none."""
        return None

    def inbound(self, *, sender: str, to: str, text: str, at: int, carrier_id: str | None) -> Inbound:
        """A message from a phone, its numbers in E.164."""
        return Inbound(self.name, plus(sender), plus(to), text, at, carrier_id)


_FACTS: Final = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "expired": "expired",
    "failed": "refused",
    "canceled": "refused",
}


def fact_of(state: str) -> str:
    """Our word for a message's state as the fact that a receipt brings; what is no end is progress."""
    return _FACTS.get(state, "buffered")


def plus(number: str) -> str:
    """A number in E.164 out of digits; short codes and names stay as they are."""
    return f"+{number}" if number.isascii() and number.isdigit() and len(number) > 6 else number
