"""Secrets stand outside the settings: in a variable or a file that a reference names."""

from collections.abc import Mapping
from pathlib import Path


class BadSecret(Exception):
    """A reference to a secret leads nowhere. Names the reference, never the secret."""


def resolve_secret(reference: str, environ: Mapping[str, str]) -> str:
    """The secret behind `env:NAME` or `file:PATH`; anything else is the secret itself."""
    kind, _, rest = reference.partition(":")
    if kind == "env":
        if rest not in environ:
            raise BadSecret(f"{reference}: the variable {rest} is not set")
        return environ[rest]
    if kind == "file":
        try:
            return Path(rest).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSecret(f"{reference}: can't be read: {getattr(error, 'strerror', None) or 'not text'}") from None
    return reference
