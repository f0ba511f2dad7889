"""The two clients: the same resources, on a driver that waits and on one that does not."""

import os
from types import TracebackType
from typing import Final, Generic, Self

import httpx

from heliograph.sdk.asking import D
from heliograph.sdk.drivers import Async, Calm, over, over_async
from heliograph.sdk.errors import HeliographError
from heliograph.sdk.exchange import Patience
from heliograph.sdk.resources.campaigns import Audiences, Campaigns
from heliograph.sdk.resources.conversations import Conversations, InboundMessages
from heliograph.sdk.resources.endpoints import Deliveries, Endpoints
from heliograph.sdk.resources.insights import Insights
from heliograph.sdk.resources.messages import Batches, Events, Messages
from heliograph.sdk.resources.numbers import Lookups, Segments
from heliograph.sdk.resources.people import Consents, Contacts, Suppressions
from heliograph.sdk.resources.plans import Plans
from heliograph.sdk.resources.requests import Requests
from heliograph.sdk.resources.templates import Templates
from heliograph.sdk.resources.verifications import Verifications
from heliograph.sdk.version import VERSION

URL: Final = "http://127.0.0.1:8080"  # what `make run` starts
TIMEOUT_S: Final = 30.0


class Resources(Generic[D]):
    """All that a client can do, by noun."""

    def __init__(self, driver: D) -> None:
        self.messages: Messages[D] = Messages(driver)
        self.batches: Batches[D] = Batches(driver)
        self.plans: Plans[D] = Plans(driver)
        self.events: Events[D] = Events(driver)
        self.segments: Segments[D] = Segments(driver)
        self.lookups: Lookups[D] = Lookups(driver)
        self.verifications: Verifications[D] = Verifications(driver)
        self.contacts: Contacts[D] = Contacts(driver)
        self.consents: Consents[D] = Consents(driver)
        self.suppressions: Suppressions[D] = Suppressions(driver)
        self.templates: Templates[D] = Templates(driver)
        self.audiences: Audiences[D] = Audiences(driver)
        self.campaigns: Campaigns[D] = Campaigns(driver)
        self.endpoints: Endpoints[D] = Endpoints(driver)
        self.deliveries: Deliveries[D] = Deliveries(driver)
        self.requests: Requests[D] = Requests(driver)
        self.inbound: InboundMessages[D] = InboundMessages(driver)
        self.conversations: Conversations[D] = Conversations(driver)
        self.insights: Insights[D] = Insights(driver)


class Heliograph(Resources[Calm]):
    """A client that waits for each answer. May be shared between threads; close it, or use it in a `with`.

    `key` and `url` may stand in HELIOGRAPH_KEY and HELIOGRAPH_URL. `http`: an httpx client of your own, with its
    proxies and certificates; then `timeout_s` is its affair.
    """

    def __init__(
        self,
        key: str | None = None,
        url: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        patience: Patience | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._http = http or httpx.Client(timeout=timeout_s)
        self._http.base_url = httpx.URL(_url(url))
        super().__init__(Calm(over(self._http), _headers(key), patience or Patience()))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncHeliograph(Resources[Async]):
    """The same for asyncio: every method is awaited, every list gone through with `async for`."""

    def __init__(
        self,
        key: str | None = None,
        url: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        patience: Patience | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or httpx.AsyncClient(timeout=timeout_s)
        self._http.base_url = httpx.URL(_url(url))
        super().__init__(Async(over_async(self._http), _headers(key), patience or Patience()))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _url(url: str | None) -> str:
    return url or os.environ.get("HELIOGRAPH_URL") or URL


def _headers(key: str | None) -> dict[str, str]:
    found = key or os.environ.get("HELIOGRAPH_KEY")
    if not found:
        raise HeliographError("no key: give one, or set HELIOGRAPH_KEY; `heliograph keys create` makes them")
    return {"authorization": f"Bearer {found}", "user-agent": f"heliograph-sdk-python/{VERSION}"}
