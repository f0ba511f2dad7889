"""What the fake refuses, in the gateway's own codes."""

from collections.abc import Sequence

import msgspec

from heliograph.sdk.exchange import Answer


class Wrong(Exception):
    """A refusal, on its way to the answer."""

    def __init__(self, code: str, detail: str, pointer: str = "", status: int = 422) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.status = status

        self.errors = [{"pointer": pointer, "detail": detail, "code": code}] if pointer else []

    def within(self, pointer: str) -> "Wrong":
        """The same, of something that is part of more."""
        return Wrong(self.code, self.detail, pointer + self.pointer, self.status)


def several(wrongs: Sequence[Wrong]) -> Wrong:
    """All of them as one."""
    if len(wrongs) == 1:
        return wrongs[0]
    is_same = all(one.code == wrongs[0].code for one in wrongs)
    code = wrongs[0].code if is_same else "invalid_request"
    whole = Wrong(code, f"{len(wrongs)} things are wrong; errors names each")
    whole.errors = [error for one in wrongs for error in one.errors]
    return whole


def not_found(what: str, name: str) -> Wrong:
    return Wrong("not_found", f"there is no {what} {name[:60]!r}", status=404)


def problem(wrong: Wrong, request_id: str, retry_after: float | None = None) -> Answer:
    """As the gateway answers it."""
    body = {
        "type": f"/docs/errors#{wrong.code}",
        "title": wrong.code.replace("_", " "),
        "status": wrong.status,
        "detail": wrong.detail,
        "code": wrong.code,
        "request_id": request_id,
        "errors": wrong.errors,
    }
    headers = {"content-type": "application/problem+json", "x-request-id": request_id}
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:g}"
    return Answer(wrong.status, headers, msgspec.json.encode(body))
