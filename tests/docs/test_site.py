"""The pages as a site: built strictly, whole, without a dead link, loading nothing from elsewhere; and the gateway
serves it under its own policy for pages."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import requests
import yaml

from heliograph.api import guide
from heliograph.core.lifecycle import STATES
from tests.process.server import Server

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "guide"
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3_000:]
    return folder


class Links(HTMLParser):
    """What a page points to and loads, and what in it can be pointed to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag == "a" and (href := given.get("href")) is not None:
            self.to.append(href)
        if tag != "a" and (place := given.get("src") or given.get("href")) and given.get("rel") != "canonical":
            self.loads.append(place)
        is_code = tag == "style" or (tag == "script" and "src" not in given and given.get("type") is None)
        if is_code or "style" in given or any(name.startswith("on") for name in given):
            self.inline.append(self.get_starttag_text() or tag)


@cache
def links(page: Path) -> Links:
    return Links(page.read_text("utf-8"))


def listed(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        place = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(place, str):
            yield place
        else:
            yield from listed(place)


def test_every_page_stands_in_the_contents_once() -> None:
    pages = list(listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert len(pages) == len(set(pages))
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in there - set(pages) if not page.startswith("decisions/0")} == set()


def test_no_link_of_the_site_is_dead(site: Path) -> None:
    dead = []
    for page in site.rglob("*.html"):
        for link in links(page).to + links(page).loads:
            parts = urlsplit(urljoin(f"file://{page}", link))
            if parts.scheme != "file":
                continue
            target = Path(unquote(parts.path))
            wanted = unquote(parts.fragment)
            if not target.is_file() or (wanted and wanted not in links(target).ids):
                dead.append(f"{page.name} → {link}")
    assert dead == []


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_of_its_own(site: Path) -> None:
    pages = {page.name: links(page) for page in site.rglob("*.html")}
    assert {name: page.inline for name, page in pages.items() if page.inline} == {}
    assert [(name, place) for name, page in pages.items() for place in page.loads if "//" in place] == []


def test_the_life_of_a_message_is_a_picture_of_all_its_states(site: Path) -> None:
    text = (site / "reference" / "lifecycle.html").read_text()
    picture = text.partition("<svg viewBox")[2].partition("</svg>")[0] if "mermaid" not in text else ""
    assert {name for name in STATES if f">{name}</text>" not in picture} == set()
    assert picture.count("marker-end") == (DOCS / "reference/lifecycle.md").read_text().count("->|")


def test_a_page_is_called_by_its_heading(site: Path) -> None:
    assert "<title>The command line - Heliograph</title>" in (site / "reference" / "cli.html").read_text()


def test_the_site_can_be_searched(site: Path) -> None:
    assert "idempotency-key" in (site / "search" / "search_index.json").read_text().lower()


# -- as the gateway serves it


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The built site, answered by the gateway's own page and with its own headers."""
    import uvicorn

    async def app(scope: Any, receive: Any, send: Any) -> None:
        page = guide.at(scope["path"], site) or guide.Page(404, b"text/plain", b"", ())
        headers = [(b"content-type", page.media_type), *page.headers]
        await send({"type": "http.response.start", "status": page.status, "headers": headers})
        await send({"type": "http.response.body", "body": page.body})

    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve([door]),))
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/docs/guide"
    server.should_exit = True
    thread.join(10)


def test_every_file_of_the_site_is_served_and_no_other(served: str, site: Path) -> None:
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert {name for name in files if requests.get(f"{served}/{name}", timeout=5).status_code != 200} == set()
    assert requests.get(served, timeout=5).url == f"{served}/"
    for name in ("../site.py", "%2e%2e/guide.py", "/etc/passwd", "nothing.html", ""):
        answer = requests.get(f"{served}/{name}", timeout=5)
        assert answer.status_code == (200 if name == "" else 404), name


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is missing: apt install chromium")
def test_a_browser_finds_a_page_by_search_under_our_policy(served: str) -> None:
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with sync_playwright() as tool, tool.chromium.launch(executable_path=CHROMIUM) as browser:
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: said.append(request.url) if served not in request.url else None)
        page.goto(f"{served}/")
        page.locator(".md-search-result__meta", has_text="Type to start").wait_for(state="attached")
        page.locator("input.md-search__input").press_sequentially("possible duplicate")  # it listens to keys
        page.locator(".md-search-result__item a").first.click()
        page.wait_for_url("**/*.html*")
        assert "possible" in page.locator("article").inner_text().lower()
    assert [line for line in said if not line.startswith(("data:", "blob:"))] == []


def test_a_gateway_without_the_site_says_how_to_build_it(tmp_path: Path) -> None:
    if guide.FOLDER.exists():
        pytest.skip("the site is built")
    with Server(tmp_path) as server:
        assert "make site" in requests.get(f"{server.url}/docs/guide", timeout=5).text
        assert requests.get(f"{server.url}/docs/guide/index.css", timeout=5).status_code == 404
