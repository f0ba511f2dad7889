"""Somebody with a browser, for tests: invited at the command line, logged in over HTTP."""

import base64
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from heliograph.core import totp
from tests.process.server import Server

PASSWORD = "seven lamps of brass"


def invited(server: Server, email: str, *roles: str, workspace: str = "default") -> str:
    """The link of a new user."""
    flags = [word for role in roles for word in ("--role", role)]
    made = server.run("users", "invite", email, "--name", "Somebody", "--workspace", workspace, *flags)
    return str(made["link"])


class _From(HTTPAdapter):
    """Calls from one address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *words: Any, **more: Any) -> None:
        super().init_poolmanager(*words, **more, source_address=(self._address, 0))


class Browser:
    """Keeps cookies, and gives the CSRF token as our pages do. Who guesses does it from an address of their own."""

    def __init__(self, server: Server, address: str = "127.0.0.1") -> None:
        self.server = server
        self.session = requests.Session()
        self.session.mount("http://", _From(address))

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.request(
            method, self.server.url + path, json=body, timeout=20, allow_redirects=False, **more
        )

    def log_in(self, email: str, password: str = PASSWORD, workspace: str = "default") -> requests.Response:
        answer = self("POST", "/v1/session", {"email": email, "password": password, "workspace": workspace})
        self.take_token()
        return answer

    def take_token(self) -> None:
        """The CSRF token of the environment in view."""
        token = self("GET", "/v1/session").json().get("csrf_token", "")
        self.session.headers["X-CSRF-Token"] = token

    def look_at(self, environment: str) -> None:
        assert self("PATCH", "/v1/session", {"environment": environment}).status_code == 200
        self.take_token()

    @property
    def cookie(self) -> str:
        return str(self.session.cookies["hg_session"])


def joined(server: Server, email: str, *roles: str, workspace: str = "default") -> Browser:
    """A user who has set a password and logged in."""
    link = invited(server, email, *roles, workspace=workspace)
    assert requests.post(link, {"password": PASSWORD, "again": PASSWORD}, timeout=20).status_code == 200
    browser = Browser(server)
    answer = browser.log_in(email, workspace=workspace)
    assert answer.json() == {"is_whole": True}, answer.text
    return browser


def code_now(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows, or will show some steps from now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return totp.code(key, int(time.time()) // totp.STEP_S + steps)
