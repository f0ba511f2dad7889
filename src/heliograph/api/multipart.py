"""Forms with files, as browsers send them: multipart/form-data, read whole."""

import re
from typing import Any, Final, NamedTuple

_NAME: Final = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb'[;\s]filename="([^"]*)"', re.IGNORECASE)
_BOUNDARY: Final = re.compile(
    rb'multipart/form-data\s*;.*?boundary=(?:"([^"]{1,200})"|([^";,\s]{1,200}))', re.IGNORECASE
)
_PARTS_AT_MOST: Final = 1_000


class Parts(NamedTuple):
    """Fields in their order, and files by the field that they were chosen in; one that was left empty is not there."""

    fields: list[tuple[str, str]]
    files: dict[str, bytes]


def boundary_of(scope: Any) -> bytes | None:
    """What parts the parts; None: this is no such form."""
    found = _BOUNDARY.match(dict(scope["headers"]).get(b"content-type", b"").strip())
    return None if found is None else found.group(1) or found.group(2)


def read_parts(body: bytes, boundary: bytes) -> Parts:
    """The parts; what is not one is passed over."""
    found = Parts([], {})
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary, _PARTS_AT_MOST)[1:]:
        head, parted, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not parted or name is None or piece.startswith(b"--"):
            continue
        field, file = name.group(1).decode("utf-8", "replace"), _FILE.search(head)
        if file is None:
            found.fields.append((field, content.decode("utf-8", "replace")))
        elif file.group(1) or content:
            found.files[field] = content
    return found
