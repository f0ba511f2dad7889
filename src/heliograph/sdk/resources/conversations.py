"""Messages from phones, and the conversations that they belong to."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.conversations import Conversation, ConversationDetail, Inbound, Replied
from heliograph.sdk.resources.messages import new_key


class InboundFilter(TypedDict, total=False):
    """What a list is narrowed to. `sender`: the phone that wrote."""

    sender: str
    to: str
    received_after: datetime | str
    received_before: datetime | str
    limit: int
    cursor: str


class ConversationFilter(TypedDict, total=False):
    """What a list is narrowed to."""

    state: str  # open, waiting or closed
    team: str
    agent: str
    number: str
    sender: str
    limit: int
    cursor: str


class Assignment(TypedDict, total=False):
    """Whose a conversation is. Left out: as it was; None: nobody's."""

    team: str | None
    agent: str | None


class InboundMessages(Resource[D]):
    """One message from a phone each."""

    @asks
    def get(self, inbound_id: str) -> Ask[Inbound]:
        """A message from a phone."""
        return Ask("GET", at("inbound", inbound_id), Inbound)

    @asks
    def list(self, **narrowed: Unpack[InboundFilter]) -> Ask[Page[Inbound]]:
        """One page of them, the newest first."""
        return Ask("GET", at("inbound"), Page[Inbound], query=_inbound(narrowed))

    @lists
    def iterate(self, **narrowed: Unpack[InboundFilter]) -> Ask[Page[Inbound]]:
        """All of them, page by page."""
        return Ask("GET", at("inbound"), Page[Inbound], query=_inbound(narrowed))


def _inbound(narrowed: InboundFilter) -> dict[str, object]:
    """`from` is no name in Python."""
    return {"from" if name == "sender" else name: value for name, value in narrowed.items()}


class Conversations(Resource[D]):
    """What is said to and fro between a number and a sender."""

    @asks
    def get(self, conversation_id: str, *, limit: int = 100, cursor: str | None = None) -> Ask[ConversationDetail]:
        """A conversation with what was said last; `older` is the cursor of what was before."""
        query = given(limit=limit, cursor=cursor)
        return Ask("GET", at("conversations", conversation_id), ConversationDetail, query=query)

    @asks
    def list(self, **narrowed: Unpack[ConversationFilter]) -> Ask[Page[Conversation]]:
        """One page of them; those first in which something happened last."""
        return Ask("GET", at("conversations"), Page[Conversation], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[ConversationFilter]) -> Ask[Page[Conversation]]:
        """All of them, page by page."""
        return Ask("GET", at("conversations"), Page[Conversation], query=narrowed)

    @asks
    def reply(
        self,
        conversation_id: str,
        text: str | None = None,
        *,
        canned: str | None = None,
        agent: str | None = None,
        idempotency_key: str | None = None,
    ) -> Ask[Replied]:
        """Answer with a text, or with a prepared one by its name."""
        body = given(text=text, canned=canned, agent=agent)
        path = at("conversations", conversation_id, "reply")
        return Ask("POST", path, Replied, body=body, key=idempotency_key or new_key())

    @asks
    def assign(self, conversation_id: str, **to: Unpack[Assignment]) -> Ask[Conversation]:
        """Give it to a team or an agent."""
        return Ask("POST", at("conversations", conversation_id, "assign"), Conversation, body=to)

    @asks
    def note(self, conversation_id: str, text: str, *, agent: str | None = None) -> Ask[Conversation]:
        """Note something that only you see."""
        body = {"text": text, **given(agent=agent)}
        return Ask("POST", at("conversations", conversation_id, "notes"), Conversation, body=body)

    @asks
    def tag(self, conversation_id: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Ask[Conversation]:
        """Add tags, and take some away."""
        body = {"add": add, "remove": remove}
        return Ask("POST", at("conversations", conversation_id, "tags"), Conversation, body=body)

    @asks
    def close(self, conversation_id: str) -> Ask[Conversation]:
        """Nothing is left to say."""
        return Ask("POST", at("conversations", conversation_id, "close"), Conversation)

    @asks
    def open(self, conversation_id: str) -> Ask[Conversation]:
        """Something is."""
        return Ask("POST", at("conversations", conversation_id, "open"), Conversation)
