"""A terminal of a given width, for commands that look at what they write to."""

import fcntl
import os
import pty
import struct
import subprocess
import termios


def seen(command: list[str], *, columns: int = 200, **environ: str) -> str:
    """What a terminal gets to see."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.Popen(command, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", **environ})
    os.close(slave)
    found = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        found += piece
    os.close(master)
    done.wait()
    return found.decode()
