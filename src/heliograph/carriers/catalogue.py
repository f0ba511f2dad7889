"""The kinds of carriers: a name and what knows it. Adding a carrier is a module and a line here."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

import msgspec

from heliograph.carriers import sandbox, smpp, smtp, webpush
from heliograph.carriers.http.africastalking import AfricasTalking
from heliograph.carriers.http.aws import Aws
from heliograph.carriers.http.bandwidth import Bandwidth
from heliograph.carriers.http.bulksms import BulkSms
from heliograph.carriers.http.carrier import HttpCarrier
from heliograph.carriers.http.clickatell import Clickatell
from heliograph.carriers.http.elks import Elks
from heliograph.carriers.http.generic import Generic
from heliograph.carriers.http.infobip import Infobip
from heliograph.carriers.http.messagebird import MessageBird
from heliograph.carriers.http.plivo import Plivo
from heliograph.carriers.http.provider import Provider
from heliograph.carriers.http.sinch import Sinch
from heliograph.carriers.http.smsto import SmsTo
from heliograph.carriers.http.telesign import Telesign
from heliograph.carriers.http.telnyx import Telnyx
from heliograph.carriers.http.twilio import Twilio
from heliograph.carriers.http.twilio_voice import TwilioVoice
from heliograph.carriers.http.vonage import Vonage
from heliograph.carriers.http.vonage_messages import VonageMessages
from heliograph.carriers.http.whatsapp import WhatsApp
from heliograph.carriers.port import Carrier, World
from heliograph.carriers.webpush import vapid
from heliograph.core.channels import CHANNELS

PROVIDERS: Final[dict[str, type[Provider]]] = {
    "46elks": Elks,
    "africastalking": AfricasTalking,
    "aws": Aws,
    "bandwidth": Bandwidth,
    "bulksms": BulkSms,
    "clickatell": Clickatell,
    "http": Generic,
    "infobip": Infobip,
    "messagebird": MessageBird,
    "plivo": Plivo,
    "sinch": Sinch,
    "smsto": SmsTo,
    "telesign": Telesign,
    "telnyx": Telnyx,
    "twilio": Twilio,
    "twilio-voice": TwilioVoice,
    "vonage": Vonage,
    "vonage-messages": VonageMessages,
    "whatsapp": WhatsApp,
}
_OTHERS: Final[dict[str, ModuleType]] = {"sandbox": sandbox, "smpp": smpp, "smtp": smtp, "webpush": webpush}
KINDS: Final = (*sorted(_OTHERS), *PROVIDERS)

# What every connector may say; the engine reads it. An adapter sees of it what its own settings name.
COMMON: Final = frozenset(
    {
        *("kind", "window", "max_segments_per_second", "price_per_segment", "currency"),
        *("provider_handles_opt_out", "record_to_disk", "workspace", "name"),
    }
)


def check(kind: str, spec: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with a connector's settings: the key and what would be right; None when they can be built."""
    if kind not in KINDS:
        return "kind", f"{kind!r} is no kind of connector; there are {', '.join(KINDS)}"
    try:
        settings = _settings(kind, spec)
    except msgspec.ValidationError as error:
        return _place(str(error), kind)
    wrong: tuple[str, str] | None = (PROVIDERS.get(kind) or _OTHERS[kind]).check(settings)
    return wrong


def carries(kind: str) -> frozenset[str]:
    """The channels that connectors of a kind carry; all of a kind that there is none of, which `check` refuses."""
    if (provider := PROVIDERS.get(kind)) is not None:
        return provider.capabilities.channels
    return _OTHERS[kind].CAPABILITIES.channels if kind in _OTHERS else frozenset(CHANNELS)


def push_key(private: str) -> str:
    """The key that browsers subscribe with."""
    return vapid.public_key(vapid.private_key(private))


def build(kind: str, name: str, spec: Mapping[str, Any], world: World) -> Carrier:
    """A connector at work, not yet started."""
    if (provider := listener(kind, name, spec)) is not None:
        return HttpCarrier(name, provider, world)
    carrier: Carrier = _OTHERS[kind].build(name, _settings(kind, spec), world)
    return carrier


def listener(kind: str, name: str, spec: Mapping[str, Any]) -> Provider | None:
    """What understands the provider's calls to us; None for kinds that make none."""
    provider = PROVIDERS.get(kind)
    return None if provider is None else provider(name, _settings(kind, spec))


def _settings(kind: str, spec: Mapping[str, Any]) -> Any:
    form = PROVIDERS[kind].settings_type if kind in PROVIDERS else _OTHERS[kind].Settings
    own = frozenset(form.__struct_fields__)
    return msgspec.convert({key: v for key, v in spec.items() if key in own or key not in COMMON}, form)


def _place(error: str, kind: str) -> tuple[str, str]:
    """msgspec's message as a key and a sentence."""
    text, _, place = error.partition(" - at `$.")
    if "unknown field" in text:
        key = text.split("`")[1]
        return key, f"a {kind} connector has no setting {key!r}"
    return place.rstrip("`") or "kind", text.replace("`", "")
