"""The API of a running server, for commands that use it like anybody else. Never follows a redirect with the key."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from heliograph.cli.output import Mistake

_TIMEOUT_S = 30.0
_BUSY = (429, 502, 503, 504)
_UPLOAD_TIMEOUT_S = 600.0  # between two signs of life; the answer comes when all is kept


class NoAnswer(Mistake):
    """The server is not there, or can't answer just now: the same again may go well."""


class Declined(Mistake):
    """The server refuses; `errors` are the fields of the problem, each with its pointer, detail and code."""

    def __init__(self, told: str, errors: list[dict[str, str]]) -> None:
        super().__init__(told)
        self.errors = errors


class Client:
    """Speaks to one server with one key."""

    def __init__(self, url: str, key: str, timeout_s: float = _TIMEOUT_S) -> None:
        from heliograph.cli.posting import opener
        from heliograph.settings import resolve_secret

        self._url = url.rstrip("/")
        self._key = resolve_secret(key, os.environ)
        host = urllib.parse.urlsplit(self._url).hostname
        if host is None or not self._url.startswith(("http://", "https://")):
            raise Mistake(f"{url} is not the URL of a server; such as http://127.0.0.1:8080")
        self._opener = opener(self._url)
        self._timeout_s = timeout_s

    def get(self, path: str, /, **query: Any) -> Any:
        return self._call("GET", path, None, query)

    def download(self, path: str, **query: Any) -> bytes:
        """What is no JSON."""
        return self._content("GET", path, None, query, None)

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> Any:
        return self._call("POST", path, body, {}, headers)

    def upload(self, path: str, file: Path, media_type: str, **query: Any) -> Any:
        """A file as it is, never held as a whole."""
        with file.open("rb") as content:
            headers = {"Content-Type": media_type, "Content-Length": str(file.stat().st_size)}
            answer = self._content("POST", path, content, query, headers, timeout_s=_UPLOAD_TIMEOUT_S)
        return json.loads(answer)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PUT", path, body, {})

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PATCH", path, body, {})

    def delete(self, path: str, **query: Any) -> Any:
        return self._call("DELETE", path, None, query)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        content = self._content(method, path, data, query, headers)
        return json.loads(content) if content else None

    def _content(
        self,
        method: str,
        path: str,
        data: bytes | BinaryIO | None,
        query: Mapping[str, Any],
        headers: Mapping[str, str] | None,
        timeout_s: float | None = None,
    ) -> bytes:
        given = {name: value for name, value in query.items() if value not in (None, "", [])}
        url = f"{self._url}{path}{'?' if given else ''}{urllib.parse.urlencode(given, doseq=True)}"
        request = urllib.request.Request(
            url,
            data,
            {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=timeout_s or self._timeout_s) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                told, errors = _problem(error.code, error.read())
            raise (NoAnswer(told) if error.code in _BUSY else Declined(told, errors)) from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise NoAnswer(f"no answer from {self._url} ({reason}); does it run? --url names another one") from None


def _problem(status: int, content: bytes) -> tuple[str, list[dict[str, str]]]:
    """What a server's refusal says, in one line, and of which fields."""
    try:
        problem = json.loads(content)
        detail = problem.get("detail") or problem["title"]
    except (ValueError, KeyError, AttributeError):
        return f"the server answered {status}", []
    errors = [error for error in problem.get("errors", []) if error.get("pointer")]
    where = f" ({errors[0]['pointer']})" if errors else ""
    return f"{detail}{where} [{problem.get('code', status)}]", errors
