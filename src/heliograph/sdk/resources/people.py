"""Contacts, what they agreed to, and who said no."""

from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at
from heliograph.sdk.models import Page
from heliograph.sdk.models.people import Contact, Standing, Suppressed


class ContactFields(TypedDict, total=False):
    """What is known of a person. Left out: as it was; None: forgotten."""

    external_id: str | None
    name: str | None
    locale: str | None
    time_zone: str | None
    attributes: dict[str, str]
    addresses: list[str]


class ContactFilter(TypedDict, total=False):
    """What a list is narrowed to."""

    external_id: str
    address: str
    limit: int
    cursor: str


class ConsentFields(TypedDict, total=False):
    """What is known of how it came about: the proof of later."""

    purpose: str
    sender: str
    source: str
    channel: str
    language: str
    text: str
    text_version: str
    ip: str
    user_agent: str
    message: str
    at: datetime | str
    until: datetime | str
    detail: dict[str, str]
    everywhere: bool


class Contacts(Resource[D]):
    """One person each."""

    @asks
    def create(self, **fields: Unpack[ContactFields]) -> Ask[Contact]:
        """Add a contact."""
        return Ask("POST", at("contacts"), Contact, body=fields)

    @asks
    def get(self, contact_id: str) -> Ask[Contact]:
        """A contact."""
        return Ask("GET", at("contacts", contact_id), Contact)

    @asks
    def change(self, contact_id: str, **fields: Unpack[ContactFields]) -> Ask[Contact]:
        """Change a contact."""
        return Ask("PATCH", at("contacts", contact_id), Contact, body=fields)

    @asks
    def list(self, **narrowed: Unpack[ContactFilter]) -> Ask[Page[Contact]]:
        """One page of contacts, the newest first."""
        return Ask("GET", at("contacts"), Page[Contact], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[ContactFilter]) -> Ask[Page[Contact]]:
        """All contacts, page by page."""
        return Ask("GET", at("contacts"), Page[Contact], query=narrowed)


class Consents(Resource[D]):
    """The consent record."""

    @asks
    def record(self, to: str, action: str, **more: Unpack[ConsentFields]) -> Ask[Standing]:
        """Record what a person said: `opt_in`, `confirmed`, `opt_out`, … The answer is what holds now."""
        return Ask("POST", at("consents"), Standing, body={"to": to, "action": action, **more})

    @asks
    def get(self, to: str) -> Ask[Standing]:
        """What holds for a person, and why."""
        return Ask("GET", at("consents"), Standing, query={"to": to})


class Suppressions(Resource[D]):
    """Those who said no."""

    @asks
    def list(self, cursor: str = "", *, limit: int = 100) -> Ask[Page[Suppressed]]:
        """One page of them, by address."""
        return Ask("GET", at("suppressions"), Page[Suppressed], query={"cursor": cursor, "limit": limit})

    @lists
    def iterate(self, *, limit: int = 100) -> Ask[Page[Suppressed]]:
        """All of them, page by page."""
        return Ask("GET", at("suppressions"), Page[Suppressed], query={"limit": limit})
