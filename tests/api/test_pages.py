"""The open pages: whole, without anything from elsewhere, and shown to those only who may see them."""

import re
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server

PAGES = ("/docs", "/console")


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


def test_the_console_shows_what_happened(server: Server, api: Api) -> None:
    sent = api.send()
    api.until(sent["id"], "delivered")
    look: dict[str, Any] = requests.get(f"{server.url}/console/live", timeout=5).json()
    (mine,) = [message for message in look["messages"] if message["id"] == sent["id"]]
    assert mine["status"] == "delivered" and look["states"]["delivered"] >= 1
    assert [event["type"] for event in mine["events"]][-1] == "message.delivered"
    assert all(event["after_ms"] >= 0 for event in mine["events"])


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_comes_through_a_proxy_is_not_local(server: Server, header: str) -> None:
    answer = requests.get(f"{server.url}/console/live", headers={header: "203.0.113.7"}, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (403, "local_only")
