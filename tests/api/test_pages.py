"""The open pages: whole, without anything from elsewhere, and shown to those only who may see them."""

import re
import shutil

import pytest
import requests
from playwright.sync_api import sync_playwright

from heliograph.api.catalogue import CATALOGUE
from tests.process.server import Server

PAGES = ("/docs",)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_all_that_it_needs_and_nothing_from_elsewhere(server: Server, path: str) -> None:
    page = requests.get(server.url + path, timeout=5)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    needed = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page.text)
    assert len(needed) >= 2
    for place in needed:
        assert place.startswith("/") and not place.startswith("//"), place
        part = requests.get(server.url + place, timeout=5)
        assert part.status_code == 200, place
        assert part.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert "http://" not in part.text.replace("http://www.w3.org", "")
        assert "https://" not in part.text


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_somewhere(server: Server, path: str) -> None:
    page = requests.get(server.url + path, timeout=5).text
    for place in re.findall(r'<a [^>]*href="(/[^"]*)"', page):
        assert requests.get(server.url + place, timeout=5).status_code == 200, place


@pytest.mark.parametrize("path", PAGES)
def test_no_script_runs_that_is_not_ours(server: Server, path: str) -> None:
    page = requests.get(server.url + path, timeout=5)
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", page.text), "inline"


def test_a_problem_leads_to_what_to_do_about_it(server: Server) -> None:
    """Its `type` is a link, as relative as the problem."""
    answer = requests.get(f"{server.url}/v1/messages", timeout=5)
    page, _, code = answer.json()["type"].partition("#")
    shown = requests.get(server.url + page, timeout=5)
    assert (shown.status_code, code) == (200, "missing_credentials")
    rows = dict(re.findall(r'<tr id="(\w+)">.*<td>([^<]+)</td></tr>', shown.text))
    assert rows.keys() == CATALOGUE.keys()
    assert rows["not_kept"] == CATALOGUE["not_kept"].remedy


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt install chromium")
def test_every_operation_of_the_document_is_drawn(server: Server) -> None:
    document = requests.get(f"{server.url}/openapi.json", timeout=5).json()
    ids = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, wrong = browser.new_page(), list[str]()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{server.url}/docs")
        page.wait_for_selector("#index h2")
        assert set(page.eval_on_selector_all("section", "all => all.map(one => one.id)")) == ids
        told = page.inner_text("#post_messages")
        assert wrong == [] and "Problems" in told and "unknown_sender" in told
        browser.close()
