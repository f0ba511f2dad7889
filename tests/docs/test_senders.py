"""What docs/senders.md shows can be declared as it stands, and does what the page says."""

import tomllib
from pathlib import Path
from typing import Any

from heliograph.core import pools
from heliograph.core.pools import Chosen
from heliograph.engine.form import Object, Place, Tools, check
from heliograph.engine.specs import sender_of

PAGE = (Path(__file__).parents[2] / "docs" / "senders.md").read_text()
SENDERS: dict[str, dict[str, Any]] = tomllib.loads(PAGE.partition("```toml\n")[2].partition("```")[0])["senders"]
PLACE = Place({}, frozenset({"default"}), frozenset(), {}, knows_machine=True)
TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", lambda text: text, lambda text: text)


def test_the_senders_of_the_page_can_be_declared() -> None:
    objects = [Object("sender", name, "default", spec, f"/senders/{name}", 0) for name, spec in SENDERS.items()]
    assert check(objects, PLACE, TOOLS) == []


def test_every_key_of_the_page_is_read() -> None:
    rows = PAGE.partition("| key | meaning |")[2].partition("\n\n")[0]
    for key in ("value", "type", "pool", "two_way", "registration", "unregistered", "day_zone", *SENDERS["Acme"]):
        assert f"`{key}`" in rows


def test_the_pool_of_the_page_serves_america_with_numbers() -> None:
    declared = {sender.value: sender for sender in (sender_of(name, spec) for name, spec in SENDERS.items())}
    found = pools.choose(
        "shop", declared, workspace=1, recipient="+12025550143", country="US", kind="otp", is_real=True
    )
    assert isinstance(found, Chosen) and found.sender in ("+12025550101", "+12025550102")
    assert declared["+12025550101"].registration == {"US": "registered"}
