"""Reads what a request says in the way of a channel: to whom, and what beside the text. SMS has a path of its own."""

import msgspec

from heliograph.core.channels import CHANNELS, EVERYWHERE, SMS, Channel, Content
from heliograph.core.failures import Refusal
from heliograph.core.numbers import Number
from heliograph.core.request import MessageRequest
from heliograph.engine.declared import Realm
from heliograph.engine.explain import explained
from heliograph.engine.fields import recipient
from heliograph.engine.suggest import did_you_mean

_OF_SMS = ("encoding", "smart_encoding", "max_segments")


class Wanted(msgspec.Struct, frozen=True):
    """What a channel carries for one message."""

    channel: Channel
    number: Number  # for addresses that are none: with the address as it is, of no country
    content: Content

    @property
    def kept(self) -> str | None:
        """The content as the ledger has it; None where there is nothing but the text."""
        text = msgspec.json.encode(self.content).decode()
        return None if text == "{}" else text


def read(request: MessageRequest, realm: Realm, default_country: str | None) -> Wanted | Refusal | None:
    """What a request for another channel than SMS asks for, but for its text; None: it is one for SMS."""
    if request.channel == SMS:
        return None
    channel = CHANNELS.get(request.channel or SMS)
    if channel is None:
        name = (request.channel or "")[:40]
        known = ", ".join(CHANNELS)
        detail = f"{name!r} is not a channel of this gateway; there are {known}.{did_you_mean(name, CHANNELS)}"
        return Refusal("unknown_channel", detail, "/channel")
    for field in _OF_SMS:
        if getattr(request, field) not in (None, False, "auto"):
            detail = f"{field} is about the parts of an SMS; leave it out for {channel.name}"
            return Refusal("not_of_channel", detail, f"/{field}")
    number = recipient(request, realm, default_country) if channel.by_number else _addressed(request, realm, channel)
    if isinstance(number, Refusal):
        return number
    try:
        content = msgspec.convert(request.content or {}, channel.content)
    except msgspec.ValidationError as error:
        wrong = explained(str(error), channel.content)
        return msgspec.structs.replace(wrong, pointer=f"/content{wrong.pointer}")
    return Wanted(channel, number, content)


def _addressed(request: MessageRequest, realm: Realm, channel: Channel) -> Number | Refusal:
    assert channel.read_address is not None
    address = channel.read_address(request.to)
    if isinstance(address, Refusal):
        return address
    if realm.mode == "guarded" and address not in realm.allowlist:
        detail = f"{address} is not on the allowlist of the environment {realm.name!r}, which reaches no others"
        return Refusal("not_on_allowlist", detail, "/to")
    return Number(address, EVERYWHERE, channel.address, valid=True)
