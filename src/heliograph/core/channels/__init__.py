"""Channels: the ways of reaching people, each a small module behind one literal table."""

from typing import Final

from heliograph.core.channels import email, mms, rcs, sms, voice, webpush, whatsapp
from heliograph.core.channels.channel import (
    EMAIL,
    EVERYWHERE,
    MMS,
    RCS,
    SMS,
    VOICE,
    WEBPUSH,
    WHATSAPP,
    Channel,
    Content,
)

CHANNELS: Final[dict[str, Channel]] = {
    SMS: sms.CHANNEL,
    EMAIL: email.CHANNEL,
    WHATSAPP: whatsapp.CHANNEL,
    MMS: mms.CHANNEL,
    RCS: rcs.CHANNEL,
    VOICE: voice.CHANNEL,
    WEBPUSH: webpush.CHANNEL,
}


def channel_of(sender: str) -> str | None:
    """The channel that a sender of ours belongs to by its form, as a message names it; None: sms."""
    prefix = sender.partition(":")[0]
    return prefix if prefix in CHANNELS and ":" in sender else None


__all__ = [
    "CHANNELS",
    "EMAIL",
    "EVERYWHERE",
    "MMS",
    "RCS",
    "SMS",
    "VOICE",
    "WHATSAPP",
    "Channel",
    "Content",
    "channel_of",
]
