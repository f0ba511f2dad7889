"""Calls of the gateway."""

from typing import Any

import requests
from django.conf import settings


def ask(path: str, body: dict[str, Any], idempotency_key: str | None = None) -> tuple[int, dict[str, Any]]:
    """The status and what was said."""
    headers = {"Authorization": f"Bearer {settings.HELIOGRAPH_KEY}"}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    answer = requests.post(settings.HELIOGRAPH_URL + path, json=body, headers=headers, timeout=10)
    return answer.status_code, answer.json()
