"""References to secrets."""

from pathlib import Path

import pytest

from heliograph.settings import BadSecret, resolve_secret


def test_a_reference_leads_to_its_secret_and_anything_else_is_one(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" hunter2 \r\n")
    assert resolve_secret("env:TOKEN", {"TOKEN": "hunter2"}) == "hunter2"
    assert resolve_secret(f"file:{file}", {}) == " hunter2 "
    assert resolve_secret("hunter2", {}) == "hunter2"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:NOT_SET", "env:NOT_SET: the variable NOT_SET is not set"),
        ("file:/nowhere/secret", "file:/nowhere/secret: can't be read: No such file or directory"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(reference: str, told: str) -> None:
    with pytest.raises(BadSecret, match=told):
        resolve_secret(reference, {})
