"""What can go wrong, as exceptions.

HeliographError
├── Refused             the gateway answered with a problem; `code` is stable, see docs/reference/errors.md
│   ├── InvalidRequest      400, 413, 415, 422: `errors` names each field by its JSON pointer
│   ├── NotAuthenticated    401
│   ├── NotAllowed          403
│   ├── NotFound            404
│   ├── Conflict            409
│   ├── RateLimited         429, after all retries
│   └── ServerBroken        5xx, after all retries
├── NotReached          no answer came, after all retries
├── UnreadableAnswer    an answer came that no gateway gives: a proxy's page, another program at that address
└── WebhookRefused      a webhook that is not to be believed (see `webhooks`)
"""

from typing import Final

import msgspec


class HeliographError(Exception):
    """Whatever goes wrong here."""


class FieldProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong: a JSON pointer into the request, what is wrong there, and its code."""

    pointer: str = ""
    detail: str = ""
    code: str = ""


class Problem(msgspec.Struct, frozen=True):
    """A problem as RFC 9457 shapes it, with what Heliograph adds."""

    code: str
    title: str = ""
    status: int = 0
    detail: str = ""
    type: str = ""
    request_id: str = ""
    errors: tuple[FieldProblem, ...] = ()


class Refused(HeliographError):
    """The gateway said no, and why."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.retry_after = retry_after  # seconds to wait before another try, where the gateway named them

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def detail(self) -> str:
        return self.problem.detail

    @property
    def errors(self) -> tuple[FieldProblem, ...]:
        return self.problem.errors

    @property
    def pointers(self) -> tuple[str, ...]:
        """The fields that are wrong."""
        return tuple(one.pointer for one in self.errors if one.pointer)

    @property
    def request_id(self) -> str:
        """Under which the gateway's log has it."""
        return self.problem.request_id

    def __str__(self) -> str:
        each = "".join(f"; {one.pointer}: {one.detail}" for one in self.errors) if len(self.errors) > 1 else ""
        return f"{self.code}: {self.detail}{each} ({self.status}, request {self.request_id})"


class InvalidRequest(Refused):
    """Something in the request is wrong."""


class NotAuthenticated(Refused):
    """The key is missing, wrong, expired or revoked."""


class NotAllowed(Refused):
    """The key may not do that."""


class NotFound(Refused):
    """There is no such thing."""


class Conflict(Refused):
    """It can't be done as things stand."""


class RateLimited(Refused):
    """Too much at once."""


class ServerBroken(Refused):
    """Something of the gateway's broke, or is down."""


class NotReached(HeliographError):
    """No answer came. `is_unknown`: the request may have been carried out all the same."""

    def __init__(self, why: str, *, is_unknown: bool) -> None:
        super().__init__(why)
        self.is_unknown = is_unknown


class UnreadableAnswer(HeliographError):
    """An answer came that is none of the gateway's."""


class WebhookRefused(HeliographError):
    """A webhook that is not to be believed: `reason` says why, in one word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


BY_STATUS: Final[dict[int, type[Refused]]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def refused(problem: Problem, retry_after: float | None = None) -> Refused:
    """The exception for a problem."""
    usual = ServerBroken if problem.status >= 500 else InvalidRequest
    return BY_STATUS.get(problem.status, usual)(problem, retry_after)
