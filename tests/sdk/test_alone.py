"""The SDK is installable alone: its wheel holds heliograph/sdk and needs httpx and msgspec, nothing of the gateway."""

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from heliograph.sdk import AsyncHeliograph, Heliograph, webhooks
from heliograph.sdk.testing import FakeHeliograph
client = FakeHeliograph()
client.messages.send("+447911123456", "Hello")
client.gateway.settle()
print(client.gateway.sent[0]["status"], *sorted(name for name in sys.modules if name.startswith("heliograph.")))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--wheel-dir", folder, ROOT / "packaging" / "sdk"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [found] = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_sdk_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert all(name.startswith("heliograph/sdk/") for name in names)
    source = ROOT / "src" / "heliograph" / "sdk"
    files = {f"heliograph/sdk/{path.relative_to(source)}" for path in source.rglob("*.py")}
    assert set(names) == files | {"heliograph/sdk/py.typed"}


def test_it_works_where_nothing_else_is(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    site = Path(metadata.distribution("httpx").locate_file(""))
    for package in ("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "msgspec"):
        (tmp_path / package).symlink_to(site / package)
    for module in ("typing_extensions.py", "sniffio"):
        if (site / module).exists():
            (tmp_path / module).symlink_to(site / module)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    status, *modules = done.stdout.split()
    assert status == "delivered" and {name.split(".")[1] for name in modules} == {"sdk"}
