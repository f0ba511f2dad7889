"""Login by an OpenID provider that we did not write: oidc-provider, run by Node.js.

It needs Node.js with npm; the library itself is fetched by npm, the first time.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests import node
from tests.process.server import Server, free_port

HERE = Path(__file__).parent / "openid"
MODULES = node.modules("oidc-provider")
pytestmark = node.needed
SECRET = "a secret: 100% / + of ours"
PEOPLE = {
    "ada": {"email": "ada@example.com", "email_verified": True, "name": "Ada", "groups": ["sms-team", "all"]},
    "bob": {"email": "bob@elsewhere.example", "email_verified": True, "name": "Bob"},
    "eve": {"email": "owner@example.com", "email_verified": False, "name": "Eve", "groups": ["sms-team"]},
    "ivy": {"email": "ivy@elsewhere.example", "email_verified": True, "name": "Ivy"},
    "joe": {"email": "joe@example.com", "email_verified": True, "name": "Joe", "groups": ["all"]},
}


@pytest.fixture(scope="session", autouse=True)
def library() -> None:
    node.installed("oidc-provider", HERE / "package.json")


class World:
    """A provider, and a gateway that believes it."""

    def __init__(self, folder: Path, *, method: str, algorithm: str, settings: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.server = Server(folder, settings.format(issuer=self.issuer), environ={"OIDC_SECRET": SECRET})
        assert node.NODE is not None
        self._process = subprocess.Popen(
            [
                *(node.NODE, str(HERE / "provider.js"), str(self.port), f"{self.server.url}/login/oidc/callback"),
                *(method, algorithm),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "MODULES": str(MODULES), "PEOPLE": json.dumps(PEOPLE)},
        )
        assert self._process.stdout is not None and self._process.stdout.readline() == "ready\n"

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def turn_keys_over(self) -> None:
        requests.post(f"{self.issuer}/turn-over", timeout=5)

    def log_in(self, who: str | None) -> "Visit":
        """The whole way, as a browser goes it."""
        visit = Visit(self, who)
        visit.follow(f"{self.server.url}/login/oidc")
        return visit


class Visit:
    """A browser; cookies of 127.0.0.1 go to every port, as in a browser."""

    def __init__(self, world: World, who: str | None) -> None:
        self.world = world
        self.session = requests.Session()
        if who is not None:
            self.session.cookies.set("who", who)
        self.places: list[str] = []
        self.last: requests.Response

    def follow(self, place: str, until: str = "/console") -> None:
        """Go where one is sent, up to a page of ours."""
        while True:
            self.places.append(place)
            assert len(self.places) < 12, self.places
            self.last = self.session.get(place, timeout=15, allow_redirects=False)
            if self.last.status_code not in (302, 303):
                return
            place = requests.compat.urljoin(place, self.last.headers["location"])
            if urlsplit(place).path == until and place.startswith(self.world.server.url):
                return

    def me(self) -> Any:
        return self.session.get(f"{self.world.server.url}/v1/session", timeout=5).json()


SETTINGS = """
[oidc]
issuer = "{issuer}"
client_secret = "env:OIDC_SECRET"
allowed_domains = ["example.com"]
default_roles = ["test:developer"]
"""
BY_CLAIM = """role_claim = "groups"
role_map = ["sms-team=live:operator", "sms-team=test:owner"]
"""


@contextmanager
def running(
    folder: Path, *, method: str = "client_secret_basic", algorithm: str = "RS256", settings: str
) -> Iterator[World]:
    world = World(folder, method=method, algorithm=algorithm, settings=settings)
    try:
        with world.server:
            yield world
    finally:
        world.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("openid"), settings=SETTINGS) as world:
        yield world


@pytest.mark.parametrize(
    ("method", "algorithm"), [("client_secret_basic", "ES256"), ("client_secret_post", "RS256"), ("none", "RS256")]
)
def test_people_of_the_provider_come_in(tmp_path: Path, method: str, algorithm: str) -> None:
    settings = SETTINGS if method != "none" else SETTINGS.replace('client_secret = "env:OIDC_SECRET"\n', "")
    with running(tmp_path, method=method, algorithm=algorithm, settings=settings) as world:
        visit = world.log_in("ada")
        assert (visit.me()["email"], visit.me()["environments"]) == ("ada@example.com", {"test": ["developer"]})
        assert visit.me()["name"] == "Ada"


def test_the_way_there_has_state_nonce_and_challenge(world: World) -> None:
    answer = requests.get(f"{world.server.url}/login/oidc", allow_redirects=False, timeout=5)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert "HttpOnly; SameSite=Lax; Max-Age=600" in answer.headers["set-cookie"]
    assert "Log in with your organisation" in requests.get(f"{world.server.url}/login", timeout=5).text


def test_keys_that_turn_over_are_fetched_again(world: World) -> None:
    assert world.log_in("ada").me()["email"] == "ada@example.com"
    world.turn_keys_over()
    assert world.log_in("ada").me()["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("who", "says"), [("bob", "was not invited"), ("eve", "no verified e-mail"), (None, "access_denied")]
)
def test_who_is_not_let_in(world: World, who: str | None, says: str) -> None:
    world.server.run("users", "list")
    visit = world.log_in(who)
    assert visit.last.status_code in (401, 403) and says in visit.last.text
    assert visit.me()["code"] == "missing_credentials" or visit.me()["code"] == "no_session"


def test_somebody_who_was_invited_comes_in_with_the_roles_that_they_have(world: World) -> None:
    world.server.run("users", "invite", "ivy@elsewhere.example", "--name", "Ivy", "--role", "live:support")
    first, second = world.log_in("ivy"), world.log_in("ivy")
    assert first.me()["environments"] == second.me()["environments"] == {"live": ["support"]}
    assert len([u for u in world.server.run("users", "list")["data"] if u["email"].startswith("ivy")]) == 1
    world.server.run("users", "disable", "ivy@elsewhere.example")
    assert first.me()["code"] == "no_session"
    assert "disabled" in world.log_in("ivy").last.text


def test_a_login_is_finished_by_the_browser_that_began_it(world: World) -> None:
    """Somebody else's code, or an old answer, logs nobody in."""
    visit = Visit(world, "ada")
    visit.follow(f"{world.server.url}/login/oidc", until="/login/oidc/callback")
    place = requests.compat.urljoin(visit.places[-1], visit.last.headers["location"])
    stranger = requests.get(place, timeout=5)
    assert stranger.status_code == 401 and "another browser" in stranger.text and "set-cookie" not in stranger.headers
    other = place.replace("state=", "state=x")
    assert visit.session.get(other, timeout=5, allow_redirects=False).status_code == 401
    evil = place.replace("iss=", "iss=https%3A%2F%2Fevil.example&was=")
    assert "another provider" in visit.session.get(evil, timeout=5, allow_redirects=False).text
    kept = visit.session.cookies["hg_openid"]
    visit.follow(place)
    assert visit.me()["email"] == "ada@example.com" and "hg_openid" not in visit.session.cookies
    again = requests.get(place, timeout=5, cookies={"hg_openid": kept}, allow_redirects=False)
    assert again.status_code == 502 and "hg_session" not in again.cookies, "a code works once"


def test_a_claim_tells_the_roles_at_each_login(tmp_path: Path) -> None:
    with running(tmp_path, settings=SETTINGS.replace("default_roles", "#") + BY_CLAIM) as world:
        visit = world.log_in("ada")
        assert visit.me()["environments"] == {"live": ["operator"], "test": ["owner"]}
        world.server.run("users", "set-roles", "ada@example.com", "--role", "live:owner")
        again = world.log_in("ada")
        assert again.me()["environments"] == {"live": ["operator"], "test": ["owner"]}
        nobody = world.log_in("joe")
        assert nobody.last.status_code == 403 and "no role" in nobody.last.text
        assert [u["email"] for u in world.server.run("users", "list")["data"]] == ["ada@example.com"]


def test_a_role_that_there_is_not_stops_the_start(tmp_path: Path) -> None:
    wrong = SETTINGS.format(issuer="http://127.0.0.1:9").replace("developer", "king")
    server = Server(tmp_path, wrong, environ={"OIDC_SECRET": SECRET})
    with pytest.raises(AssertionError, match="'king'; the roles are"):
        server.start()


def test_a_provider_that_is_away_is_told_of_and_passwords_work(tmp_path: Path) -> None:
    settings = SETTINGS.format(issuer=f"http://127.0.0.1:{free_port()}")
    with Server(tmp_path, settings, environ={"OIDC_SECRET": SECRET}) as server:
        answer = requests.get(f"{server.url}/login/oidc", timeout=20)
        assert answer.status_code == 502 and "/.well-known/openid-configuration answered connect_failed" in answer.text
        assert requests.get(f"{server.url}/login", timeout=5).status_code == 200
