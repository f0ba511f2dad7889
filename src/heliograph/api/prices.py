"""Price tables: what a segment costs at which connector, to which country. For keys of the operator's workspace."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route, operator_only
from heliograph.engine import pricing
from heliograph.engine.pricing import Imported, PriceLine


class PriceFile(msgspec.Struct, forbid_unknown_fields=True):
    """A table as CSV: connector, item, country, network, kind, price, currency; its first line names the columns."""

    csv: str


class PriceList(msgspec.Struct):
    """All prices, by connector, item, country, network and kind."""

    data: list[PriceLine]


async def all_prices(request: Request) -> PriceList:
    operator_only(request)
    return PriceList(await pricing.list_prices(request.context.ledger))


async def import_prices(request: Request) -> Imported:
    operator_only(request)
    imported = await pricing.import_prices(
        request.context.ledger, request.body.csv, actor=request.actor, now=request.now
    )
    await request.context.reload()
    return imported


_MANAGE: Final = "routing:manage"
ROUTES: Final = (
    Route(
        *("GET", "/v1/prices", all_prices, "analytics:read"),
        or_scope=_MANAGE,
        answer=PriceList,
        summary="List prices",
    ),
    Route(
        *("PUT", "/v1/prices", import_prices, _MANAGE),
        body=PriceFile,
        text=("text/csv", "csv"),
        answer=Imported,
        summary="Replace the prices of the connectors that a table names",
    ),
)
