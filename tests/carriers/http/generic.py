"""What the tests of the generic connector share: its page, and the least that can be declared."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from heliograph.carriers.http.provider import Text

PAGE = (Path(__file__).parents[3] / "docs/generic-http.md").read_text()
HOOK = "https://gw.example.test/in/carrier/status"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
HELLO = Text(to="+447700900000", sender="Acme", text="Your code is 482913")


def spec(**changes: Any) -> dict[str, Any]:
    """The least that can be declared, and a callback in JSON, with changes."""
    least: dict[str, Any] = {
        "callback_token": "t0ken",
        "request": {"url": "https://api.example.test/send", "body": {"format": "json", "fields": {"to": "{to}"}}},
        "answer": {"id": "/id"},
        "callback": {"format": "json", "id": "id", "status": "status", "words": {"delivered": ["ok"]}},
    }
    return deepcopy(least) | changes
