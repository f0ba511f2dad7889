"""The kinds of carriers: a name and the module that knows it. Adding a carrier is a module and a line here."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

import msgspec

from heliograph.carriers import sandbox, smpp
from heliograph.carriers.port import Capabilities, Carrier, World

KINDS: Final[dict[str, ModuleType]] = {"sandbox": sandbox, "smpp": smpp}

# What every connector may say; the engine reads it. An adapter sees of it what its own settings name.
COMMON: Final = frozenset(
    {"kind", "window", "max_segments_per_second", "price_per_segment", "currency", "workspace", "name"}
)


def check(kind: str, spec: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with a connector's settings: the key and what would be right; None when they can be built."""
    module = KINDS.get(kind)
    if module is None:
        return "kind", f"{kind!r} is no kind of connector; there are {', '.join(sorted(KINDS))}"
    try:
        settings = _settings(module, spec)
    except msgspec.ValidationError as error:
        return _place(str(error), kind)
    wrong: tuple[str, str] | None = module.check(settings)
    return wrong


def build(kind: str, name: str, spec: Mapping[str, Any], world: World) -> Carrier:
    """A connector at work, not yet started."""
    module = KINDS[kind]
    carrier: Carrier = module.build(name, _settings(module, spec), world)
    return carrier


def capabilities(kind: str) -> Capabilities:
    found: Capabilities = KINDS[kind].CAPABILITIES
    return found


def _settings(module: ModuleType, spec: Mapping[str, Any]) -> Any:
    own = frozenset(module.Settings.__struct_fields__)
    return msgspec.convert({key: v for key, v in spec.items() if key in own or key not in COMMON}, module.Settings)


def _place(error: str, kind: str) -> tuple[str, str]:
    """msgspec's message as a key and a sentence."""
    text, _, place = error.partition(" - at `$.")
    if "unknown field" in text:
        key = text.split("`")[1]
        return key, f"a {kind} connector has no setting {key!r}"
    return place.rstrip("`") or "kind", text.replace("`", "")
