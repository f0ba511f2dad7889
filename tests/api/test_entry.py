"""The pages at the entrance, used as a browser without JavaScript uses them."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
import requests

from tests.api.browser import PASSWORD, Browser, code_now, invited, joined
from tests.process.server import Server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("entry")) as running:
        yield running


class Form(HTMLParser):
    """The form of a page: where it goes, its fields with their values, and what labels them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.labelled: set[str] = set()
        self.labels: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert found["method"] == "post"
            self.action = found.get("action", "")
        elif tag == "input":
            self.fields[found["name"]] = found.get("value", "")
            if found.get("type") != "hidden":
                self.labelled.add(found["id"])
        elif tag == "label":
            self.labels.add(found["for"])


def submit(session: requests.Session, page: requests.Response, **values: str) -> requests.Response:
    """Fill the page's form in and send it, with the headers that a browser adds."""
    form = Form(page.text)
    assert values.keys() <= form.fields.keys()
    origin = "/".join(page.url.split("/")[:3])
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    return session.post(
        requests.compat.urljoin(page.url, form.action), form.fields | values, headers=headers, timeout=20
    )


def test_from_the_invitation_to_the_console_and_out_again(gateway: Server) -> None:
    session = requests.Session()
    page = session.get(invited(gateway, "ada@example.com", "live:owner"), timeout=5)
    assert "ada@example.com" in page.text
    assert "the two passwords differ" in submit(session, page, password=PASSWORD, again="another").text
    weak = submit(session, page, password="password1234", again="password1234")
    assert weak.status_code == 422 and "first that anybody would try" in weak.text and "password1234" not in weak.text
    page = submit(session, page, password=PASSWORD, again=PASSWORD)
    assert page.status_code == 200 and "Your password is set" in page.text

    wrong = submit(session, page, password="not this one")
    assert wrong.status_code == 401 and Form(wrong.text).fields["email"] == "ada@example.com"
    assert "not this one" not in wrong.text and 'role="alert"' in wrong.text
    console = submit(session, wrong, password=PASSWORD)
    assert console.url == f"{gateway.url}/console"
    assert session.get(f"{gateway.url}/v1/session", timeout=5).json()["email"] == "ada@example.com"

    page = session.get(f"{gateway.url}/logout", timeout=5)
    forged = session.post(page.url, {"csrf_token": "x"}, timeout=5)
    assert forged.status_code == 403 and session.get(f"{gateway.url}/v1/session", timeout=5).status_code == 200
    assert submit(session, page).url == f"{gateway.url}/login"
    assert session.get(f"{gateway.url}/v1/session", timeout=5).status_code == 401
    assert session.get(f"{gateway.url}/logout", timeout=5).url == f"{gateway.url}/login"


def test_the_second_factor_has_its_page(gateway: Server) -> None:
    browser = joined(gateway, "bob@example.com", "live:support")
    secret = browser("POST", "/v1/session/second-factor", {"password": PASSWORD}).json()["secret"]
    browser("POST", "/v1/session/second-factor/confirm", {"code": code_now(secret)})
    session = requests.Session()
    page = session.get(f"{gateway.url}/login", timeout=5)
    page = submit(session, page, email="bob@example.com", password=PASSWORD)
    assert page.url == f"{gateway.url}/login/code" and "One more step" in page.text
    assert submit(session, page, code="123").status_code == 401
    assert submit(session, page, code=code_now(secret, 1)).url == f"{gateway.url}/console/messages"
    assert requests.post(page.url, {"code": "1"}, timeout=5).url == f"{gateway.url}/login", "nobody has begun"


@pytest.mark.parametrize("path", ["/login", "/login?workspace=acme", "/login/code", "/invite/nowhere", "/login/oidc"])
def test_a_page_is_whole_and_lets_nothing_in(gateway: Server, path: str) -> None:
    page = requests.get(gateway.url + path, timeout=5)
    assert page.headers["content-type"].startswith("text/html")
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["form-action"] == "'self'" and "script-src" not in policy
    assert policy["frame-ancestors"] == "'none'" and page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin", "with no-referrer a browser sends Origin: null"
    assert not re.search(r"<script|\son\w+=|<style|\sstyle=", page.text)
    for place in re.findall(r'<link[^>]*href="([^"]+)"', page.text):
        assert requests.get(gateway.url + place, timeout=5).headers["content-type"].startswith("text/css")
    form = Form(page.text)
    assert form.labelled <= form.labels, "each field says what it is"


@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "<b>'&\x00"])
def test_what_visitors_write_is_text(gateway: Server, value: str) -> None:
    body = {"email": value, "password": value, "workspace": value}
    page = requests.post(f"{gateway.url}/login", body, timeout=20)
    assert page.status_code == 401 and "<script" not in page.text and "<b>" not in page.text
    shown = requests.get(f"{gateway.url}/login", {"workspace": value}, timeout=5).text
    assert "<script" not in shown and "<b>" not in shown


def test_what_no_browser_sends_is_refused_in_peace(gateway: Server) -> None:
    for body in (b"\xff\xfe", b"a" * 20_000, b"&".join(b"a=b" for _ in range(100)), b""):
        answer = requests.post(f"{gateway.url}/login", body, timeout=20)
        assert answer.status_code in (401, 413, 422), body[:10]
    for method, path in (("PUT", "/login"), ("DELETE", "/logout"), ("POST", "/login/oidc")):
        assert requests.request(method, gateway.url + path, timeout=5).status_code == 405
    head = requests.head(f"{gateway.url}/login", timeout=5)
    assert head.status_code == 200


def test_without_a_provider_nothing_offers_one(gateway: Server) -> None:
    assert "organisation" not in requests.get(f"{gateway.url}/login", timeout=5).text
    assert requests.get(f"{gateway.url}/login/oidc", timeout=5).status_code == 404
    assert requests.get(f"{gateway.url}/login/oidc/callback?code=x", timeout=5).status_code == 404


def test_a_browser_that_waits_is_told_how_long(gateway: Server) -> None:
    joined(gateway, "slow@example.com", "live:support")
    attacker = Browser(gateway, "127.0.0.9").session
    body = {"email": "slow@example.com", "password": "a wrong password", "workspace": "default"}
    answers = [attacker.post(f"{gateway.url}/login", body, timeout=20) for _ in range(7)]
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1
    assert "too many wrong attempts; wait" in answers[-1].text
