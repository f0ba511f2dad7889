"""A phone of the sandbox: sends a message to us, so that replies can be tried; and the sandbox's outage switch."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, operator_only, refuse


class PhoneRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What a phone sends."""

    from_: Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
    to: Annotated[str, Meta(min_length=1, max_length=20)]
    text: Annotated[str, Meta(max_length=2_000)]
    connector: str = "sandbox"


class OutageRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Is the network out?"""

    is_out: bool
    connector: str = "sandbox"


class Taken(msgspec.Struct):
    """Done."""

    connector: str


async def send(request: Request) -> Taken:
    asked: PhoneRequest = request.body
    _carrier(request, asked.connector).receive(asked.from_, asked.to, asked.text, request.client.environment)
    return Taken(asked.connector)


async def outage(request: Request) -> Taken:
    asked: OutageRequest = request.body
    operator_only(request)  # connectors serve everybody
    _carrier(request, asked.connector).set_outage(asked.is_out)
    return Taken(asked.connector)


def _carrier(request: Request, name: str):  # type: ignore[no-untyped-def]  # the sandbox's own doors, which no port has
    carrier = request.context.carrier(name)
    if not hasattr(carrier, "receive"):
        raise refuse("no_phone", f"{name[:60]!r} is no sandbox connector that runs in this process", "/connector", 409)
    return carrier


ROUTES: Final = (
    Route(
        "POST",
        "/v1/sandbox/inbound",
        send,
        "messages:send",
        body=PhoneRequest,
        answer=Taken,
        status=202,
        summary="A phone texts",
    ),
    Route(
        "POST",
        "/v1/sandbox/outage",
        outage,
        "routing:manage",
        body=OutageRequest,
        answer=Taken,
        summary="The outage switch",
    ),
)
