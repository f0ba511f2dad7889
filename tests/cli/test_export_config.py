"""What is declared, written as a file: applied again it changes nothing, and declares the same elsewhere."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.toml_text import text_of
from tests.cli.conftest import Run

DECLARED = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.telco]
kind = "smpp"
host = "127.0.0.1"
port = 2775
system_id = "acme"
password = "literal"
binds = 2
[connectors.play]
kind = "sandbox"
answer_delay_ms = 20
[[routes]]
name = "otp"
match = { kind = "otp", country = ["GB", "FR"], share = 0.5 }
via = ["telco", "play"]
[[routes]]
name = "default"
match = {}
via = ["telco"]
[senders.Acme]
type = "alphanumeric"
registration = { GB = "registered" }
[senders."+447700900999"]
two_way = true
[endpoints.orders]
url = "http://127.0.0.1:9090/hook"
events = ["message.delivered"]
[policies.verify]
code_length = 8
[templates.parcel]
kind = "transactional"
texts = { en = "Your \\"parcel\\" is here: {{name|there}}" }
variables = { name = { max_length = 20, example = "Ann" } }
"""


@pytest.fixture
def declared(run: Run, data: str, tmp_path: Path) -> str:
    file = tmp_path / "declared.toml"
    file.write_text(DECLARED)
    done = run("apply", str(file), "--config", str(file), "--data-dir", data)
    assert done.code == 0, done.err
    return str(file)


def test_the_file_applies_to_the_same_state(run: Run, data: str, declared: str, tmp_path: Path) -> None:
    written = tmp_path / "written.toml"
    told = run("export-config", str(written), "--data-dir", data, "--json").data
    assert told["objects"] == 9
    same = run("diff", str(written), "--prune", "--config", declared, "--data-dir", data, "--json").data["data"]
    assert {change["action"] for change in same} == {"unchanged"}
    assert len(same) == 9
    assert "literal" not in written.read_text(), "secrets stay sealed"


def test_a_fresh_installation_with_the_same_master_key_gets_the_same(
    run: Run, data: str, declared: str, tmp_path: Path
) -> None:
    before = run("export-config", "--data-dir", data, "--json").data
    run("export-config", str(tmp_path / "written.toml"), "--data-dir", data)
    fresh = tmp_path / "fresh"
    fresh.mkdir(mode=0o700)
    (fresh / "master.key").write_bytes(Path(data, "master.key").read_bytes())
    done = run("apply", str(tmp_path / "written.toml"), "--config", declared, "--data-dir", str(fresh))
    assert done.code == 0, done.err
    assert run("export-config", "--data-dir", str(fresh), "--json").data == before


def test_another_workspace_has_a_file_of_its_own(run: Run, data: str, declared: str, tmp_path: Path) -> None:
    run("workspaces", "create", "shop", "--data-dir", data)
    (tmp_path / "shop.toml").write_text('[senders.Shop]\nworkspace = "shop"\ntype = "alphanumeric"\n')
    run("apply", str(tmp_path / "shop.toml"), "--data-dir", data)
    shown = run("export-config", "--workspace", "shop", "--data-dir", data).out
    assert tomllib.loads(shown) == {"senders": {"Shop": {"workspace": "shop", "type": "alphanumeric"}}}
    assert "there is no workspace 'nobody'" in run("export-config", "--workspace", "nobody", "--data-dir", data).err


def test_a_file_that_is_there_is_kept(run: Run, data: str, declared: str) -> None:
    done = run("export-config", declared, "--data-dir", data)
    assert (done.code, "is there already" in done.err) == (1, True)
    assert run("export-config", declared, "--force", "--data-dir", data).code == 0


_VALUES: Any = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_SPECS = st.dictionaries(st.text(), _VALUES, max_size=5)


@given(st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(), _SPECS, min_size=1, max_size=3), max_size=3))
def test_whatever_is_written_is_read_again(document: dict[str, Any]) -> None:
    assert tomllib.loads(text_of(document)) == document


@given(st.lists(_SPECS, min_size=1, max_size=3))
def test_lists_of_objects_are_read_again(routes: list[dict[str, Any]]) -> None:
    assert tomllib.loads(text_of({"routes": routes})) == {"routes": routes}
