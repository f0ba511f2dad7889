"""What the page on quiet hours and frequency caps shows can be declared as it stands there."""

import re
from pathlib import Path
from typing import Any

import msgspec

from heliograph.core import numbers
from heliograph.core.request import MessageRequest, Times
from heliograph.engine import frequency_caps, quiet_hours
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Paused
from heliograph.engine.hours import Appointment, Hours

PAGE = (Path(__file__).parents[2] / "docs/quiet-hours.md").read_text()
STEP, HOURS, CAPS = (msgspec.json.decode(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def test_the_hours_of_the_page_are_accepted() -> None:
    assert quiet_hours.check(msgspec.convert(HOURS, quiet_hours.QuietHours)) == []


def test_the_caps_of_the_page_are_accepted() -> None:
    declared = msgspec.convert(CAPS, frequency_caps.FrequencyCaps)
    assert frequency_caps.check(declared) == []
    assert len(frequency_caps.caps_of({frequency_caps.KEY: CAPS})) == 3


def test_the_step_of_the_page_is_the_one_that_messages_get() -> None:
    policy = quiet_hours.policy_of({}, rehearses=False)
    fields: dict[str, Any] = dict.fromkeys(Realm.__struct_fields__) | {"id": 1, "quiet": policy}
    number = numbers.parse("+13055550123")
    assert isinstance(number, numbers.Number)
    at = 1_795_223_700_000  # 20:15 in Florida, on 20 November 2026
    hours = Hours(lambda: SNAPSHOT)
    request = MessageRequest(to=number.e164)
    found = hours.appoint(Realm(**fields), number, "promotional", Times(at, at + 60_000, scheduled=False), request)
    assert isinstance(found, Appointment)
    assert msgspec.to_builtins(found.step) | {"zones": list(found.step["zones"])} == STEP


SNAPSHOT = Snapshot(0, {}, {}, {}, Paused(), {})


def test_every_field_is_explained() -> None:
    fields = re.findall(r"^\| `(\w+)` \| .*? \|", PAGE, re.MULTILINE)
    assert set(fields) == set(quiet_hours.QuietHours.__struct_fields__)
