"""What every command shares: opening the ledger."""

from pathlib import Path

import pytest

from heliograph import process, settings
from heliograph.engine.secrets import VARIABLE, CannotOpen, new_key


@pytest.mark.asyncio
async def test_a_ledger_that_can_not_be_unsealed_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings.load(None, {}, tmp_path)
    right = new_key()
    for key in (right, new_key(), right):
        monkeypatch.setenv(VARIABLE, key)
        if key == right:
            ledger = await process.open_ledger(asked, serving=True)
            await ledger.close()
        else:
            with pytest.raises(CannotOpen):
                await process.open_ledger(asked, serving=True)
