"""What a workspace has declared, as the document that would declare it: applied again, it changes nothing.

Secrets stay what they are in the ledger: references, or sealed with the master key of this installation.
"""

from typing import Any

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.engine.declare import SECTIONS
from heliograph.engine.declared import OPERATOR
from heliograph.store.port import Ledger


async def document_of(ledger: Ledger, workspace: str) -> dict[str, Any]:
    """The whole document of a workspace, its sections and objects in their order. Raises `Refused`."""
    if not await ledger.fetch("SELECT 1 FROM workspaces WHERE name = $1", workspace):
        raise Refused(Refusal("unknown_workspace", f"there is no workspace {workspace[:40]!r}", "/workspace"))
    rows = await ledger.fetch(
        "SELECT d.kind, d.name, d.spec FROM declared d JOIN workspaces w ON w.id = d.workspace WHERE w.name = $1 "
        "ORDER BY d.position, d.id",
        workspace,
    )
    owner = {} if workspace == OPERATOR else {"workspace": workspace}
    found: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        specs = [(name, {**owner, **msgspec.json.decode(spec)}) for of, name, spec in rows if of == kind]
        if specs:
            is_list = section == "routes"  # their order counts
            found[section] = [{"name": name, **spec} for name, spec in specs] if is_list else dict(specs)
    return found
