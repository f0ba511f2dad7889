"""An answer of ours, before it is a message: what is asked of intake, and the texts that stand ready."""

from heliograph.core.channels import channel_of
from heliograph.core.message import SUPPORT
from heliograph.core.request import MessageRequest
from heliograph.engine.conversations.threads import Thread


def request_of(thread: Thread, text: str) -> MessageRequest:
    """Through intake, like any message: routes, consent and budget are asked."""
    channel = channel_of(thread.sender)
    return MessageRequest(to=thread.number, text=text, sender=thread.sender, channel=channel, kind=SUPPORT)
