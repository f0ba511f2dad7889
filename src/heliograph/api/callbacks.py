"""Where providers call us: `/in/{connector}/status` and `/in/{connector}/inbound`, without a key; they prove themselves
by their own signature, or by the token in the URL. Answered as the provider wants it, once what it says is durable."""

from collections.abc import Mapping
from typing import Any, Final

from heliograph.api.context import Context
from heliograph.carriers.port import Callback
from heliograph.core.failures import Refusal
from heliograph.engine.callbacks import Refusal as NotTaken
from heliograph.ports import Unavailable

METHODS: Final = ("GET", "POST")
_CODES: Final = {403: "forged_callback", 404: "not_found"}

Answer = tuple[int, bytes, bytes]


def connector_of(path: str) -> str | None:
    """The connector that a path names; None when it is no path of these."""
    steps = path.split("/")
    if len(steps) == 4 and steps[1] == "in" and steps[2] and steps[3] in ("status", "inbound"):
        return steps[2]
    return None


async def take(
    context: Context, connector: str, scope: Mapping[str, Any], body: bytes, address: str
) -> Answer | Refusal:
    """One call of a provider."""
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or scope["path"]
    callback = Callback(
        scope["method"],
        # As the provider knows it: a proxy in front may have changed the host that we were asked for.
        f"{(context.public_url or '').rstrip('/')}{path}" + (f"?{query}" if query else ""),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body,
        context.clock.now_ms(),
    )
    try:
        taken = await context.callbacks(connector, callback, address)
    except Unavailable:
        return Refusal("ledger_unavailable", "nothing was kept: send it again in a moment", status=503)
    if isinstance(taken, NotTaken):
        return Refusal(_CODES[taken.status], taken.reason, status=taken.status)
    return taken.status, taken.media_type.encode(), taken.body
