"""What is known of a number, without asking anybody."""

from typing import Final

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.numbers import BadNumber
from heliograph.core.numbers.lookup import Known, hinted, look_up

_SCOPES: Final = ("messages:send", "messages:read")  # either will do


async def show(request: Request) -> Known:
    _must_have_a_scope(request)
    found = look_up(request.place["number"], request.client.default_country)
    if isinstance(found, BadNumber):
        raise refuse(found.code, hinted(found), "/number")
    return found


def _must_have_a_scope(request: Request) -> None:
    if all(request.call.lacks(scope) for scope in _SCOPES):
        detail = f"this key may not do that; it needs the scope {' or '.join(_SCOPES)}"
        raise refuse("missing_scope", detail, status=403)


ROUTES: Final = (Route("GET", "/v1/lookup/{number}", show, None, answer=Known, summary="What is known of a number"),)
