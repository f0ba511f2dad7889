"""What MkDocs does for our pages beyond its own: it calls these by their names while it builds the site.

The site runs under the gateway's own policy for pages, which allows no script and no style inside a page; the theme
writes some. They move into files of their own here.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

from docs import pictures

_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_NOTE: Final = re.compile(r"\A<!-- .*? -->\s+")  # a page is called by its heading only if nothing stands before it
_FENCE: Final = re.compile(r"^( *```\w+) (?:run|part)\b.*$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Pages that are not there yet have no place in the contents."""
    config.nav = _there(config.nav, Path(config.docs_dir))
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What follows the language of an example is for the tests; a flowchart becomes a picture."""
    return pictures.drawn(_FENCE.sub(r"\1", _NOTE.sub("", markdown)))


def on_post_build(config: Any) -> None:
    """No script and no style inside a page, and nothing that no page asks for."""
    site = Path(config.site_dir)
    (site / "404.html").unlink(missing_ok=True)  # the gateway has its own answer
    for path in [*site.rglob("*.map"), *site.glob("assets/javascripts/lunr/**/*.js"), *site.glob("sitemap.xml*")]:
        path.unlink()
    (site / "assets" / "page").mkdir(parents=True, exist_ok=True)
    for page in site.rglob("*.html"):
        page.write_text(_without_code(page.read_text("utf-8"), site, len(page.relative_to(site).parts) - 1), "utf-8")


def _there(entries: list[Any], folder: Path) -> list[Any]:
    """The part of the contents that leads somewhere."""
    found: list[Any] = []
    for entry in entries:
        place = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(place, str):
            found += [entry] if (folder / place).is_file() else []
        elif pages := _there(place, folder):
            found.append({next(iter(entry)): pages})
    return found


def _without_code(text: str, site: Path, depth: int) -> str:
    """A page with its scripts and styles in files."""

    def moved(found: re.Match[str]) -> str:
        kind, code = found.groups()
        name = f"{hashlib.sha256(code.encode()).hexdigest()[:16]}.{'js' if kind == 'script' else 'css'}"
        (site / "assets" / "page" / name).write_text(code, "utf-8")
        place = f"{'../' * depth}assets/page/{name}"
        return f'<script src="{place}"></script>' if kind == "script" else f'<link rel="stylesheet" href="{place}">'

    return _INLINE.sub(moved, text)
