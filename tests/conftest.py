"""Settings of all tests."""

import gc
import os
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, so that a red run is about the change; `HYPOTHESIS_PROFILE=explore` looks for new
# ones. No deadlines: machines are slow at times, and a timing is no test.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
PROCESS = Path(__file__).parent / "process"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of whole processes mostly wait: their files are spread among all others, which use the time."""
    files = [list(its) for _, its in groupby(items, key=lambda item: item.path)]
    waiting = [its for its in files if PROCESS in its[0].path.parents]
    busy = [its for its in files if PROCESS not in its[0].path.parents]
    places = [(place / len(those), its) for those in (waiting, busy) for place, its in enumerate(those)]
    items[:] = [item for _, its in sorted(places, key=lambda one: one[0]) for item in its]


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: whoever looks for garbage need not look at them each time."""
    gc.collect()
    gc.freeze()
