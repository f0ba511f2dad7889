"""The documentation as a site, at /docs/guide: files that `make site` has built into the package, or a word on how to.

Only files that were there when it was first asked are served, by their exact names; no path of a request ever touches
the disk. The pages load nothing from anywhere else, and run no script but their own files.
"""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PREFIX: Final = "/docs/guide"
FOLDER: Final = Path(__file__).parent / "guide"
_TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
}
_SECURITY: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)
_ABSENT: Final = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Heliograph: guide</title>"
    b"<h1>The guide is not part of this installation</h1>"
    b"<p>Its pages are the files under <code>docs/</code> of the source; <code>make site</code> builds them into the "
    b"package, and this address shows them from the next start on. The API is described at "
    b'<a href="/docs">/docs</a>.</p></html>'
)


class Page(NamedTuple):
    """An answer."""

    status: int
    media_type: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def at(path: str, folder: Path = FOLDER) -> Page | None:
    """What there is at a path of ours; None where nothing is."""
    if path == PREFIX:  # links of the pages are relative
        return Page(308, _TYPES[".html"], b"", ((b"location", PREFIX.encode() + b"/"),))
    if not path.startswith(PREFIX + "/"):
        return None
    name = path.removeprefix(PREFIX + "/") or "index.html"
    files = _files(folder)
    if not files and name == "index.html":
        return Page(200, _TYPES[".html"], _ABSENT, _SECURITY)
    found = files.get(name)
    return None if found is None else Page(200, _TYPES[found.suffix], found.read_bytes(), _SECURITY)


@cache
def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _TYPES}
