"""What the page on quiet hours and frequency caps shows can be declared as it stands there."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from heliograph.core import numbers
from heliograph.core.quiet import Policy
from heliograph.core.request import MessageRequest, Times
from heliograph.engine import policies
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatching import Paused
from heliograph.engine.hours import Appointment, Hours
from heliograph.engine.policies import Policies
from heliograph.engine.quiet_hours import QuietHours

PAGE = (Path(__file__).parents[2] / "docs/quiet-hours.md").read_text()
SHOWN: list[dict[str, Any]] = [
    tomllib.loads(block.partition("```")[0])["policies"] for block in PAGE.split("```toml\n")[1:]
]


def test_what_the_page_shows_can_be_declared() -> None:
    assert [list(shown) for shown in SHOWN] == [["quiet_hours"], ["frequency"]]
    for shown in SHOWN:
        for name, spec in shown.items():
            assert policies.wrong(msgspec.convert(spec, policies.FORMS[name])) == []


SNAPSHOT = Snapshot(0, {}, {}, {}, Paused(), {})


def test_the_step_of_the_page_is_the_one_that_messages_get() -> None:
    fields: dict[str, Any] = dict.fromkeys(Realm.__struct_fields__) | {"id": 1, "policies": Policies(quiet=Policy())}
    number = numbers.parse("+13055550123")
    assert isinstance(number, numbers.Number)
    at = 1_795_223_700_000  # 20:15 in Florida, on 20 November 2026
    hours = Hours(lambda: SNAPSHOT)
    request = MessageRequest(to=number.e164)
    found = hours.appoint(Realm(**fields), number, "promotional", Times(at, at + 60_000, scheduled=False), request)
    assert isinstance(found, Appointment)
    shown = msgspec.json.decode(PAGE.partition("```json\n")[2].partition("```")[0])
    assert msgspec.to_builtins(found.step) | {"zones": list(found.step["zones"])} == shown


def test_every_field_is_explained() -> None:
    fields = re.findall(r"^\| `(\w+)` \| .*? \|", PAGE, re.MULTILINE)
    assert set(fields) == set(QuietHours.__struct_fields__)
