"""Price tables in both engines: replaced by connector, whole or not at all, and read into the snapshot."""

import pytest

from heliograph.core.failures import Refused
from heliograph.engine import declared, pricing
from heliograph.engine.environments import ensure_defaults
from heliograph.store.port import Ledger

pytestmark = pytest.mark.asyncio

HEAD = "connector,country,kind,price,currency\n"


async def test_a_table_replaces_what_its_connectors_had(ledger: Ledger) -> None:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    first = HEAD + "sandbox,GB,,0.10,EUR\nsandbox,,otp,0.20,EUR\n"
    await pricing.import_prices(ledger, first, actor="test", now=1)
    before = await declared.version(ledger)
    many = HEAD + "".join(f"sandbox,,{kind},0.{number:03},EUR\n" for number, kind in enumerate(("", "otp", "support")))
    assert (await pricing.import_prices(ledger, many, actor="test", now=2)).lines == 3
    with pytest.raises(Refused):
        await pricing.import_prices(ledger, HEAD + "sandbox,,,1,EUR\nnone,,,1,EUR\n", actor="test", now=3)
    assert [(line.country, line.kind, line.price) for line in await pricing.list_prices(ledger)] == [
        ("", "", "0.000"),
        ("", "otp", "0.001"),
        ("", "support", "0.002"),
    ]
    snapshot = await declared.load(ledger)
    assert snapshot.version == before + 1
    assert snapshot.prices.find("sandbox", "GB", "otp") == ("0.001", "EUR")
    assert all(realm.rules.prices is snapshot.prices for realm in snapshot.realms.values())
