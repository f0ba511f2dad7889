"""A visit: somebody who is logged in looks at a page or sends its form. What a page's handler is given, and what it
may answer.

    async def show(visit: Visit) -> Answer:
        found = await reads.list_messages(visit.means.ledger, visit.where, ...)
        return visit.show("messages.html", messages=found)

    async def cancel(visit: Visit) -> Answer:  # of a form: say what was done, and send the browser on
        ...
        return visit.go("/console/messages", "The message is canceled.")
"""

import base64
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import parse_qs, urlencode

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Inbound
from heliograph.engine.audit import Actor
from heliograph.engine.clients import ADMIN, Client, Clients
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.draft import Caller
from heliograph.engine.form import Tools
from heliograph.engine.intake import Intake
from heliograph.engine.retention import Retention
from heliograph.engine.spending import BudgetDesk
from heliograph.engine.users.logins import Logins, Visitor
from heliograph.engine.users.sessions import Session
from heliograph.ports import Clock
from heliograph.products.verify.desk import VerifyDesk
from heliograph.store.port import Ledger, Moves
from heliograph.store.reads import Where

_FLASH_MS: Final = 60_000
_FIELDS_AT_MOST: Final = 500


class Means(Protocol):
    """What pages may use of the gateway. The context of the doors is one; a page that needs more of it adds it here."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def logins(self) -> Logins: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def snapshot(self) -> Callable[[], Snapshot]: ...
    @property
    def reload(self) -> Callable[[], Awaitable[None]]: ...
    @property
    def told(self) -> Callable[[Moves], None]: ...
    @property
    def look(self) -> Callable[[], None]: ...
    @property
    def hear(self) -> Callable[[Inbound], None]: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def seal(self) -> Callable[[str], str]: ...
    @property
    def retention(self) -> Retention: ...
    @property
    def budgets(self) -> BudgetDesk: ...
    @property
    def carrier(self) -> Callable[[str], object | None]: ...
    @property
    def clients(self) -> Clients: ...
    @property
    def link(self) -> Callable[[str], Link | None]: ...
    @property
    def verify(self) -> VerifyDesk: ...
    @property
    def campaigns_changed(self) -> Callable[[], None]: ...


class Fields:
    """What a query or a form says. A field that comes twice has all its values in `all`."""

    def __init__(self, text: str, files: Mapping[str, bytes] | None = None) -> None:
        """`files`: what was sent along, by field. Raises ValueError when there are too many."""
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS_AT_MOST)
        self._values = {name: [value.replace("\0", "") for value in values] for name, values in found.items()}
        self.files: Mapping[str, bytes] = files or {}

    def __contains__(self, name: str) -> bool:
        return bool(self.get(name))

    def get(self, name: str, default: str = "") -> str:
        """The field without the blanks around it."""
        return self._values.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        return [value.strip() for value in self._values.get(name, [])]

    def raw(self, name: str) -> str:
        """The field as it was typed."""
        return self._values.get(name, [""])[0]

    def but(self, **changed: str | None) -> str:
        """The same as a query string, some fields changed; None takes one away."""
        left_out = {*changed, "said", "sign"}
        kept = [(name, value) for name, values in self._values.items() if name not in left_out for value in values]
        kept += [(name, value) for name, value in changed.items() if value is not None]
        return urlencode([(name, value) for name, value in kept if value])


class Shown(NamedTuple):
    """A page: its template and what it shows. `token`: of the session from now on."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    token: str | None = None


class Gone(NamedTuple):
    """The browser is sent on. `token`: of the session from now on."""

    place: str
    token: str | None = None
    cookies: tuple[tuple[str, str], ...] = ()


class Streamed(NamedTuple):
    """A file, sent piece by piece."""

    name: str
    media_type: str
    pieces: AsyncIterator[bytes]


Answer: TypeAlias = Shown | Gone | Streamed


class Visit:
    """One look at a page, or one form sent from it."""

    def __init__(
        self,
        means: Means,
        session: Session,
        path: str,
        place: Mapping[str, str],
        query: Fields,
        form: Fields,
        *,
        visitor: Visitor,
        our_url: str,
        theme: str,
    ) -> None:
        self.means = means
        self.session = session
        self.path = path
        self.place = place
        self.query = query
        self.form = form
        self.visitor = visitor
        self.our_url = our_url  # how the world reaches us
        self.theme = theme  # light | dark | "": as the system is
        self.now = means.clock.now_ms()

    @property
    def client(self) -> Client:
        """Who asks, as the doors know them."""
        return self.session.client

    @property
    def where(self) -> Where:
        """Whose rows: nothing is read without it."""
        return Where(self.client.workspace, self.client.environment)

    @property
    def realm(self) -> Realm:
        """What is declared for the environment in view."""
        return self.means.snapshot().realms[self.client.environment]

    @property
    def caller(self) -> Caller:
        """On whose behalf a message of the visitor's is sent."""
        client = self.client
        return Caller(client.id, client.workspace, client.environment, client.default_country)

    @property
    def actor(self) -> str:
        """For the audit log."""
        return Actor(self.client.actor, self.visitor.ip)

    def may(self, *scopes: str | None) -> bool:
        """Does the visitor have one of these scopes?"""
        return not self.client.scopes.isdisjoint({*scopes, ADMIN})

    # -- answers

    def show(self, template: str, *, status: int = 200, **values: Any) -> Shown:
        return Shown(template, values, status)

    def show_renewed(self, template: str, token: str, **values: Any) -> Shown:
        """A page of a session that has another token from now on: its forms must prove that one."""
        self.session = msgspec.structs.replace(self.session, token=token)
        return Shown(template, values, token=token)

    def wrong(self, template: str, refusals: Sequence[Refusal], **values: Any) -> Shown:
        """The page again, with what was wrong at its field: `problems` has the details by pointer, without the /."""
        problems: dict[str, str] = {}
        for refusal in refusals:
            problems.setdefault(refusal.pointer.strip("/"), refusal.detail)
        return Shown(template, {**values, "problems": problems}, refusals[0].status)

    def go(self, place: str, said: str = "", *, token: str | None = None) -> Gone:
        """`said`: what the next page tells at its top."""
        return Gone(self._saying(place, said, token or self.session.token) if said else place, token)

    def stream(self, name: str, media_type: str, pieces: AsyncIterator[bytes]) -> Streamed:
        return Streamed(name, media_type, pieces)

    # -- what the page before had to say: signed, so that nobody can make a link that says something in our name

    def _saying(self, place: str, said: str, token: str) -> str:
        path, _, query = place.partition("?")
        more = urlencode({"said": said, "sign": _sign(token, said, self.now // _FLASH_MS)})
        return f"{path}?{query}&{more}" if query else f"{path}?{more}"

    @property
    def said(self) -> str:
        said, given = self.query.get("said"), self.query.get("sign")
        minute = self.now // _FLASH_MS
        signs = [_sign(self.session.token, said, each) for each in (minute, minute - 1)]
        return said if said and any(hmac.compare_digest(given.encode(), sign.encode()) for sign in signs) else ""


def refuse(code: str, detail: str, pointer: str = "", status: int = 422) -> Refused:
    """To be raised."""
    return Refused(Refusal(code, detail, pointer, status))


def not_found(what: str, name: str) -> Refused:
    return refuse("not_found", f"There is no {what} {name[:60]!r} here.", status=404)


def _sign(token: str, said: str, minute: int) -> str:
    return base64.urlsafe_b64encode(
        hmac.digest(token.encode(), f"said {minute} {said}".encode(), "sha256")[:15]
    ).decode()
