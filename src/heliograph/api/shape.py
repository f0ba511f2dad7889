"""How a drop-in door speaks: what its requests are read as, and how it says what is wrong."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from heliograph.core.failures import Refusal
from heliograph.engine.clients import basic

FORM: Final = b"application/x-www-form-urlencoded"
_JSON: Final = b"application/json"

# (status, media type, body) of the answer that tells refusals, under the id of their request.
Tell: TypeAlias = Callable[[Sequence[Refusal], str], tuple[int, bytes, bytes]]
Fields: TypeAlias = dict[str, Any]  # strings, unless they came as JSON


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The manners of one door. Its callers are programs with a key: cookies don't open it."""

    tell: Tell
    problem: Any  # the type of what it tells
    media_type: bytes = _JSON  # of its answers
    login: tuple[tuple[str, ...], tuple[str, ...]] | None = None  # fields of a key's id and the key, beside HTTP Basic
    encoding: str = "utf-8"  # latin-1: octets are left as they come
    statuses: tuple[str, ...] = ("400", "401", "403", "404", "409", "413", "415", "429", "503")

    def authorization(self, query: bytes, content_type: bytes | None, body: bytes) -> bytes | None:
        """The credentials among the fields, as a header would hold them."""
        if self.login is None:
            return None
        fields = read(query, content_type, body, self.encoding)
        if isinstance(fields, Refusal):
            return None
        user, password = ("".join(str(fields.get(name) or "") for name in names) for names in self.login)
        return basic(user, password) if password else None


def read(query: bytes, content_type: bytes | None, body: bytes, encoding: str = "utf-8") -> Fields | Refusal:
    """What stands in the query and in the body, be that a form or a JSON object."""
    try:
        manner: dict[str, Any] = {"keep_blank_values": True, "encoding": encoding, "errors": "strict"}
        fields: Fields = dict(parse_qsl(query.decode(encoding), **manner))
        if body and content_type is not None and content_type.startswith(_JSON):
            fields |= msgspec.json.decode(body, type=dict[str, Any])
        elif body and content_type is not None and not content_type.startswith(FORM):
            named = content_type.decode("latin-1")[:60]
            return Refusal("unsupported_media_type", f"{named!r} is not read here; send {FORM.decode()}", status=415)
        else:
            fields |= parse_qsl(body.decode(encoding), **manner)
    except UnicodeDecodeError:
        return Refusal("bad_utf8", "what was sent is not UTF-8", status=400)
    except (msgspec.DecodeError, RecursionError):
        return Refusal("bad_json", "the body is not a JSON object", status=400)
    if encoding == "utf-8" and any(isinstance(value, str) and "\0" in value for value in fields.values()):
        return Refusal("nul_character", "a field holds a NUL character; leave it out", status=400)
    return fields
