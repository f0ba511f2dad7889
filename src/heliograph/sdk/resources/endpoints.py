"""Where webhooks go, and what became of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.endpoints import Delivery, DeliveryDetail, Endpoint, Queued


class EndpointFields(TypedDict, total=False):
    """How an endpoint is to be."""

    events: list[str]  # left out: all
    secret: str
    format: str
    timeout_ms: int
    max_in_flight: int
    batch: int


class DeliveryFilter(TypedDict, total=False):
    """What a delivery log is narrowed to."""

    status: str
    message_id: str
    limit: int
    cursor: str


class Endpoints(Resource[D]):
    """URLs of yours that hear of events."""

    @asks
    def create(self, name: str, url: str, **more: Unpack[EndpointFields]) -> Ask[Endpoint]:
        """Declare an endpoint. A `secret` that is made here is shown in the answer, this once."""
        return Ask("POST", at("endpoints"), Endpoint, body={"name": name, "url": url, **more})

    @asks
    def get(self, name: str) -> Ask[Endpoint]:
        """An endpoint as it stands."""
        return Ask("GET", at("endpoints", name), Endpoint)

    @asks
    def list(self) -> Ask[Page[Endpoint]]:
        """All endpoints."""
        return Ask("GET", at("endpoints"), Page[Endpoint])

    @asks
    def delete(self, name: str) -> Ask[Queued]:
        """Remove an endpoint."""
        return Ask("DELETE", at("endpoints", name), Queued)

    @asks
    def enable(self, name: str) -> Ask[Endpoint]:
        """Let one hear again that was disabled because it failed for days."""
        return Ask("POST", at("endpoints", name, "enable"), Endpoint)

    @asks
    def rotate(self, name: str) -> Ask[Endpoint]:
        """A new secret beside the old one; webhooks bear both signatures until `retire`."""
        return Ask("POST", at("endpoints", name, "rotate"), Endpoint)

    @asks
    def retire(self, name: str) -> Ask[Endpoint]:
        """End the old secret."""
        return Ask("POST", at("endpoints", name, "retire"), Endpoint)

    @asks
    def test(self, name: str) -> Ask[Queued]:
        """Send a test event."""
        return Ask("POST", at("endpoints", name, "test"), Queued)

    @asks
    def replay(
        self,
        name: str,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        messages: Sequence[str] | None = None,
    ) -> Ask[Queued]:
        """Tell again: what happened in a span of time, or to some messages."""
        body = given(since=since, until=until, messages=messages)
        return Ask("POST", at("endpoints", name, "replay"), Queued, body=body)

    @lists
    def deliveries(self, name: str, **narrowed: Unpack[DeliveryFilter]) -> Ask[Page[Delivery]]:
        """The delivery log of one endpoint, the newest first, page by page."""
        return Ask("GET", at("endpoints", name, "deliveries"), Page[Delivery], query=narrowed)


class Deliveries(Resource[D]):
    """Events on their way."""

    @asks
    def get(self, delivery_id: str) -> Ask[DeliveryDetail]:
        """What was sent, and what was answered."""
        return Ask("GET", at("deliveries", delivery_id), DeliveryDetail)

    @asks
    def list(self, **narrowed: Unpack[DeliveryFilter]) -> Ask[Page[Delivery]]:
        """One page of all deliveries, the newest first."""
        return Ask("GET", at("deliveries"), Page[Delivery], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[DeliveryFilter]) -> Ask[Page[Delivery]]:
        """All of them, page by page."""
        return Ask("GET", at("deliveries"), Page[Delivery], query=narrowed)

    @asks
    def replay(self, delivery_id: str) -> Ask[Queued]:
        """Tell this one again."""
        return Ask("POST", at("deliveries", delivery_id, "replay"), Queued)
