"""Asks the public register of vulnerabilities about every locked version. Needs a network, and says so.

Exit code 0: nothing known. 1: something is known, and listed. 3: nobody could be asked about some or all of it, so
that nothing is known of that either way: `make audit` fails then, `make lint` says so and goes on. The tool itself ends
with 0 when it could ask about nothing at all.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
NOT_ASKED: Final = 3


def main() -> None:
    codes = [audit(ROOT / "requirements" / name) for name in ("run.txt", "dev.txt")]
    sys.exit(next((code for code in (1, NOT_ASKED) if code in codes), 0))


def audit(lock: Path, *options: str) -> int:
    """One lock file."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--format", "json", "-r", str(lock), *options], capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _told(lock, NOT_ASKED, f"NOT AUDITED: {(done.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
    return judge(lock, found)


def judge(lock: Path, found: list[dict[str, Any]]) -> int:
    """What the answers mean together."""
    for one in found:
        for fault in one.get("vulns", ()):
            mended = ", ".join(fault.get("fix_versions", ())) or "no version yet"
            _told(lock, 1, f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}")
    silent = [one["name"] for one in found if "skip_reason" in one]
    if any(one.get("vulns") for one in found):
        return 1
    if silent or not found:
        return _told(
            lock,
            NOT_ASKED,
            f"NOT AUDITED: the register said nothing of {len(silent)} of {len(found)} packages, such as "
            f"{', '.join(silent[:3])}. Run `make audit` where there is a network.",
        )
    return _told(lock, 0, f"nothing is known against {len(found)} packages")


def _told(lock: Path, code: int, text: str) -> int:
    (sys.stderr if code else sys.stdout).write(f"{lock.name}: {text}\n")
    return code


if __name__ == "__main__":
    main()
