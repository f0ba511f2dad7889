"""What is told of messages from phones and conversations."""

from datetime import datetime
from typing import Any

import msgspec


class Inbound(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A message from a phone as the public API shows it. What is found out about it is there a moment later."""

    id: str
    from_: str
    to: str
    text: str | None = None
    connector: str
    received_at: datetime
    settled_at: datetime | None = None
    conversation: str | None = None
    contact: str | None = None
    in_reply_to: str | None = None
    tags: list[str] = []
    team: str | None = None
    rules: list[str] = []
    keyword: Any = None
    opt_out: bool = False
    flow: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as the public API and webhooks show it."""

    id: str
    number: str
    sender: str
    contact: str | None = None
    state: str
    team: str | None = None
    agent: str | None = None
    tags: list[str]
    waiting_since: datetime | None = None
    escalates_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said or done."""

    id: str
    at: datetime
    kind: str
    by: str | None = None
    text: str | None = None
    message: str | None = None
    status: str | None = None
    automatic: bool = False
    detail: Any = None


class ConversationDetail(Conversation, frozen=True, kw_only=True):
    """A conversation with what was said and done in it, the oldest first; `older` is the cursor of what was before."""

    timeline: list[Entry]
    older: str | None = None


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """The answer on its way."""

    message: str
    conversation: Conversation
