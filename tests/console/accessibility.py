"""What axe-core says of a page: contrast, names, landmarks, tables, fields. It is put into the page past the page's own
policy, as a judge from outside; nothing of it is part of the console.
"""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests import node

_PACKAGE = Path(__file__).parent / "axe" / "package.json"
_RULES = "{resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}"


def judged(page: Page) -> list[str]:
    """Every offence: the rule, and the places."""
    if node.NPM is None:
        pytest.skip("npm is missing: accessibility is not judged")
    script = (node.installed("axe-core", _PACKAGE) / "axe-core" / "axe.min.js").read_text()
    page.evaluate(f"() => {{ {script} }}")
    found: dict[str, Any] = page.evaluate(f"async () => await axe.run(document, {_RULES})")
    return [
        f"{one['id']}: {', '.join(' '.join(map(str, each['target'])) for each in one['nodes'])} ({one['help']})"
        for one in found["violations"]
    ]
