"""Whether a call can be genuine: by Basic credentials, or by a signature over declared parts of it."""

import re
from collections.abc import Callable
from typing import Final

from heliograph.carriers.http.generic import expressions
from heliograph.carriers.http.generic.settings import Settings
from heliograph.carriers.http.proof import basic, hmac_base64, hmac_hex, is_stale, same
from heliograph.carriers.http.provider import Callback

_Part = Callable[[Callback, str], bytes]  # (the call, its signed time)


def _sorted_params(callback: Callback, time: str) -> bytes:
    return "".join(name + value for name, value in sorted(callback.form_pairs())).encode("utf-8", "replace")


PARTS: Final[dict[str, _Part]] = {
    "body": lambda callback, time: callback.body,
    "timestamp": lambda callback, time: time.encode("utf-8", "replace"),
    "url": lambda callback, time: callback.url.encode("utf-8", "replace"),
    "path_url": lambda callback, time: callback.path_url.encode("utf-8", "replace"),
    "method": lambda callback, time: callback.method.encode(),
    "sorted_params": _sorted_params,
}
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class Proving:
    """The proof, compiled. Not for the token, which every provider knows how to judge."""

    def __init__(self, settings: Settings) -> None:
        self._proof = proof = settings.proof
        self._secret = settings.secret or ""
        self._basic = basic(proof.username, self._secret)
        self._signature = _of_header(proof.header, proof.prefix, proof.regex)
        self._time = _of_header(proof.timestamp_header, "", proof.timestamp_regex)
        # Literals stand at even places, names at odd ones.
        split = enumerate(PLACEHOLDER.split(proof.signed))
        self._signed = [PARTS[piece] if place % 2 else _literal(piece) for place, piece in split]

    def forged(self, callback: Callback) -> str | None:
        """Why it can't be genuine; None when it is."""
        proof = self._proof
        if proof.kind == "basic":
            fits = same(callback.headers.get("authorization", ""), self._basic)
            return None if fits else "the credentials in Authorization are wrong"
        given, time = self._signature(callback), self._time(callback) if proof.timestamp_header else ""
        if not given:
            return f"no signature in {proof.header}"
        signed = b"".join(part(callback, time) for part in self._signed)
        if proof.encoding == "hex":
            fits = same(given.lower(), hmac_hex(proof.algorithm, self._secret, signed))
        else:
            fits = same(given, hmac_base64(proof.algorithm, self._secret, signed))
        if not fits:
            return f"{proof.header} does not fit what is signed"
        if proof.timestamp_header and is_stale(time, callback.at, proof.within_s):
            return f"{proof.timestamp_header} is too old"
        return None


def _of_header(name: str, prefix: str, regex: str | None) -> Callable[[Callback], str]:
    """What stands in a header behind its prefix; nothing where the prefix is missing."""
    find = None if regex is None else expressions.finder(regex)

    def value(callback: Callback) -> str:
        header = callback.headers.get(name.lower(), "").strip()
        if not header.startswith(prefix):
            return ""
        rest = header[len(prefix) :]
        return rest if find is None else find(rest) or ""

    return value


def _literal(text: str) -> _Part:
    octets = text.encode()
    return lambda callback, time: octets
