"""What programs asked, and what they were answered."""

from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at
from heliograph.sdk.models import Page
from heliograph.sdk.models.requests import LoggedRequest


class RequestFilter(TypedDict, total=False):
    """What the request log is narrowed to."""

    client: str  # a key, by id or name
    status: str  # such as 404, or a class such as 4xx
    method: str
    path: str  # how the path or the route begins
    code: str
    request_id: str
    since: datetime | str
    until: datetime | str
    limit: int
    cursor: str


class Requests(Resource[D]):
    """The request log."""

    @asks
    def list(self, **narrowed: Unpack[RequestFilter]) -> Ask[Page[LoggedRequest]]:
        """One page of requests, the newest first."""
        return Ask("GET", at("requests"), Page[LoggedRequest], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[RequestFilter]) -> Ask[Page[LoggedRequest]]:
        """All of them, page by page."""
        return Ask("GET", at("requests"), Page[LoggedRequest], query=narrowed)
