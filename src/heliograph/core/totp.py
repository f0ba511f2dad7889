"""One-time codes of an authenticator app: RFC 6238 with what every app understands (SHA-1, 30 seconds, 6 digits).

Pure: the time is handed in. `accept` answers the step whose code was given, so that the caller can keep it and refuse
the same code a second time.
"""

import base64
import hmac
import struct
from typing import Final
from urllib.parse import quote

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # what RFC 4226, section 4, recommends
_DRIFT: Final = 1  # steps that a phone's clock may be ahead or behind


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    value = struct.unpack_from(">I", digest, offset)[0] & 0x7FFF_FFFF
    return f"{value % 10**digits:0{digits}}"


def accept(secret: bytes, given: str, now_s: int, last_step: int) -> int | None:
    """The step whose code this is; None when it is wrong, too old, or of a step that was used before."""
    step = now_s // STEP_S
    text = "".join(given.split()).encode()
    found = None
    for candidate in range(step - _DRIFT, step + _DRIFT + 1):  # all of them: no early end
        if hmac.compare_digest(code(secret, candidate).encode(), text) and candidate > last_step:
            found = candidate
    return found


def base32(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, account: str, issuer: str = "Heliograph") -> str:
    """The otpauth address that apps read from a picture."""
    label = quote(f"{issuer}:{account}", safe="@:")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_S}"
