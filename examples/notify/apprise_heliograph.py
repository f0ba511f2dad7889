"""A plugin for Apprise: `heliograph://447700900123` is an address that it can notify.

HELIOGRAPH_KEY=hg_… apprise -P examples/notify/apprise_heliograph.py -b "Disk full" heliograph://447700900123
"""

import os
from typing import Any

import requests
from apprise.decorators import notify  # type: ignore[import-not-found]


@notify(on="heliograph", name="Heliograph")  # type: ignore[untyped-decorator]
def send(body: str, title: str, notify_type: str, meta: dict[str, Any], *_: Any, **__: Any) -> bool:
    url = os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080")
    answer = requests.post(
        f"{url}/v1/messages",
        headers={"Authorization": f"Bearer {os.environ['HELIOGRAPH_KEY']}"},
        json={"to": f"+{meta['host']}", "text": f"{title}: {body}" if title else body, "tags": [notify_type]},
        timeout=10,
    )
    return answer.ok
