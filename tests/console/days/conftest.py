"""Windows for those who walk through their day."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser as Chromium

from tests.console.days.walk import Walk, hired
from tests.process.server import Server

Hires = Callable[..., Walk]


@pytest.fixture
def walks(chromium: Chromium, server: Server) -> Iterator[Hires]:
    """`walks("support", "live:support")`: somebody new with these roles, logged in."""
    opened: list[Walk] = []

    def starts(who: str, *roles: str) -> Walk:
        walk = Walk(chromium, server, who)
        opened.append(walk)
        if roles:
            walk.log_in(hired(server, f"{who.replace(' ', '.')}@example.com", *roles))
        return walk

    yield starts
    for walk in opened:
        walk.close()
