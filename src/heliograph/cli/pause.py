"""`heliograph pause` and `resume`: stop handing messages over, and go on. What is paused is still accepted and kept."""

from enum import StrEnum
from typing import Annotated

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, show


class Scope(StrEnum):
    """What can be paused."""

    all = "all"
    workspace = "workspace"
    connector = "connector"
    kind = "kind"


What = Annotated[Scope, typer.Argument(metavar="SCOPE", help="all, workspace, connector or kind.")]
Name = Annotated[str, typer.Argument(metavar="[NAME]", help="Which one; nothing for all.")]


def pause(what: What, key: Key, name: Name = "", url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Stop handing messages over to carriers."""
    body = _body(what, name)
    answer = Client(url, key).put("/v1/pauses", body)
    show(answer, f"{_words(body)} is paused", as_json)


def resume(what: What, key: Key, name: Name = "", url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Go on after a pause."""
    body = _body(what, name)
    answer = Client(url, key).delete("/v1/pauses", **body)
    show(answer, f"{_words(body)} goes on", as_json)


def _body(what: Scope, name: str) -> dict[str, str]:
    if (what is Scope.all) == bool(name):
        raise Mistake("all takes no name" if name else f"which {what}? give its name")
    return {"scope": what.value, "value": name}


def _words(body: dict[str, str]) -> str:
    return f"{body['scope']} {body['value']}".strip() if body["value"] else "everything"
