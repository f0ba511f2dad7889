"""The check of lock files finds what it is for; the audit says when nobody could be asked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks import audit
from checks.lock import check

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_this_checkout_is_in_order() -> None:
    assert [*check(ROOT)] == []


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_what_is_asked_for_and_what_is_locked_must_agree(checkout: Path) -> None:
    change(checkout / "pyproject.toml", '"apsw>=3.46"', '"apsw>=99"')
    change(checkout / "pyproject.toml", '"jinja2>=3.1"', '"nowhere>=1"')
    found = "\n".join(check(checkout))
    assert "requirements/run.txt: apsw is" in found
    assert "requirements/run.txt: nowhere is missing; run `make lock`" in found


def test_an_entry_without_hash_and_one_that_nobody_asked_for_are_found(checkout: Path) -> None:
    with (checkout / "requirements/run.txt").open("a") as lock:
        lock.write("requests==2.32.0\n")
    found = [*check(checkout)]
    assert "requirements/run.txt: requests==2.32.0 has no hash" in found
    assert "requirements/run.txt: nothing asks for requests" in found
    assert any(fault.startswith("requirements: requests is 2.32.0 in run.txt and 2.") for fault in found)


@pytest.mark.parametrize(
    ("answers", "code", "told"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "nothing is known against 1 packages"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "gone"}], 3, "NOT AUDITED"),
        ([], 3, "NOT AUDITED"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: PYSEC-1, mended in 2",
        ),
    ],
)
def test_an_audit_that_could_not_ask_is_no_good_news(
    capsys: pytest.CaptureFixture[str], answers: list[dict[str, object]], code: int, told: str
) -> None:
    assert audit.judge(Path("run.txt"), answers) == code
    assert told in "".join(capsys.readouterr())


def test_what_ships_is_listed_for_machines(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "requirements/run.txt"]
    target = tmp_path / "sbom.json"
    more = ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", str(target)]
    subprocess.run([*command, *more], cwd=ROOT, check=True, capture_output=True, timeout=60)
    document = json.loads(target.read_text())
    assert (document["bomFormat"], document["metadata"]["component"]["name"]) == ("CycloneDX", "heliograph")
    assert {"apsw", "cryptography", "uvicorn"} <= {one["name"] for one in document["components"]}
