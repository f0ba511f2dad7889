"""A gateway whose clock is moved forward by hand: all that it does is its own, only it need not be waited for.

The program reads from a file how far ahead it is, and looks at its alarms more often than every five seconds.
"""

import sys
from pathlib import Path

from tests.process.server import Server

_PROGRAM = """#!{python}
import pathlib, time
from heliograph import world
from heliograph.__main__ import main
from heliograph.engine.alarms import desk

AHEAD = pathlib.Path({ahead!r})
world.SystemClock.now_ms = lambda self: time.time_ns() // 1_000_000 + int(AHEAD.read_text() or 0)
desk.EVERY_S, desk.SUMS_EVERY_MS = 0.2, 1_000
main()
"""


class Ahead:
    """A server and the clock that it lives by."""

    def __init__(self, folder: Path, config: str) -> None:
        self._file, program = folder / "ahead", folder / "heliograph-ahead"
        self._file.write_text("0")
        program.write_text(_PROGRAM.format(python=sys.executable, ahead=str(self._file)))
        program.chmod(0o755)
        self.server = Server(folder, config, program=str(program))

    def pass_by(self, minutes: float) -> None:
        """So much time is over."""
        after = self._file.with_suffix(".new")
        after.write_text(str(int(self._file.read_text()) + int(minutes * 60_000)))
        after.rename(self._file)
