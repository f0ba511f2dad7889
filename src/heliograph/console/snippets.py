"""Lines to copy into a terminal or a program. Keys are not in them, but for the one that is being shown this once."""

import shlex
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core.message import Message
from heliograph.core.views import has_code

KEY: Final = "$HELIOGRAPH_KEY"
FIRST: Final = {"to": "+447700900123", "text": "Hello from Heliograph"}
_JOINED: Final = " \\\n  "
_PYTHON: Final = """\
import os, requests

answer = requests.post(
    "{url}/v1/messages",
    headers={{"Authorization": "Bearer " + {key}, "Idempotency-Key": "hello-1"}},
    json={{"to": "{to}", "text": "{text}"}},
    timeout=10,
)
answer.raise_for_status()
print(answer.json()["id"])"""
_NODE: Final = """\
const answer = await fetch("{url}/v1/messages", {{
  method: "POST",
  headers: {{
    "Authorization": "Bearer " + {key},
    "Content-Type": "application/json",
    "Idempotency-Key": "hello-1",
  }},
  body: JSON.stringify({{ to: "{to}", text: "{text}" }}),
}});
if (!answer.ok) throw new Error((await answer.json()).detail);
console.log((await answer.json()).id);"""
_PHP: Final = """\
<?php
$call = curl_init("{url}/v1/messages");
curl_setopt_array($call, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => [
        "Authorization: Bearer " . {key},
        "Content-Type: application/json",
        "Idempotency-Key: hello-1",
    ],
    CURLOPT_POSTFIELDS => json_encode(["to" => "{to}", "text" => "{text}"]),
]);
$answer = json_decode(curl_exec($call), true);
echo $answer["id"] ?? $answer["detail"], "\\n";"""
_LANGUAGES: Final = (  # name, program, the key as its environment has it, a text as it writes one
    ("Python", _PYTHON, 'os.environ["HELIOGRAPH_KEY"]'),
    ("Node.js", _NODE, "process.env.HELIOGRAPH_KEY"),
    ("PHP", _PHP, 'getenv("HELIOGRAPH_KEY")'),
)


class Quickstart(NamedTuple):
    """A first message in some language."""

    name: str
    text: str


def quickstarts(our_url: str, key: str | None = None) -> list[Quickstart]:
    """A first message. `key`: put into them as it is; else they take it from the environment."""
    found = [Quickstart("curl", curl(our_url, FIRST, key or KEY))]
    for name, text, kept in _LANGUAGES:
        its = kept if key is None else f'"{key}"'
        found.append(Quickstart(name, text.format(url=our_url, key=its, **FIRST)))
    return found


def curl(our_url: str, body: Mapping[str, Any], key: str = KEY) -> str:
    """A message as a request."""
    return _JOINED.join(
        (
            f"curl {our_url}/v1/messages",
            f'-H "Authorization: Bearer {key}"',
            '-H "Content-Type: application/json"',
            f"-d {shlex.quote(msgspec.json.encode(body).decode())}",
        )
    )


def as_request(message: Message) -> dict[str, Any]:
    """What a caller would have to ask for to get this message."""
    text = "…" if has_code(message) or message.text is None else message.text
    body: dict[str, Any] = {"to": message.to, "text": text, "kind": message.kind}
    if message.sender is not None:
        body["sender"] = message.sender
    if message.correlation_id is not None:
        body["correlation_id"] = message.correlation_id
    if message.tags is not None:
        body["tags"] = msgspec.json.decode(message.tags)
    return body
