"""What is known of a number, without asking anybody."""

from typing import Final

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.numbers import BadNumber
from heliograph.core.numbers.lookup import Known, hinted, look_up


async def show(request: Request) -> Known:
    found = look_up(request.place["number"], request.client.default_country)
    if isinstance(found, BadNumber):
        raise refuse(found.code, hinted(found), "/number")
    return found


ROUTES: Final = (
    Route(
        *("GET", "/v1/lookup/{number}", show, "messages:send"),
        or_scope="messages:read",
        answer=Known,
        summary="What is known of a number",
    ),
)
