"""What a workspace makes of web addresses in its texts, `[policies.links]`."""

import secrets
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.links import TOKEN_BYTES, ShortLink, shorten, token_of
from heliograph.core.message import LANES, OTP
from heliograph.engine.suggest import did_you_mean

PATH: Final = "/l"  # where links are served on the gateway's own host
_DAY_MS: Final = 86_400_000


class LinkPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where short links lead through, and which messages get them."""

    domain: Annotated[str, Meta(max_length=100, description="As in https://go.example.com; left out: none.")] = ""
    kinds: Annotated[list[str], Meta(description="Kinds whose links are shortened without being asked to.")] = []
    expire_days: Annotated[int, Meta(ge=1, le=3_650, description="So long a link works.")] = 90

    @property
    def host(self) -> str:
        return urlsplit(self.domain).netloc.lower()

    def shortened(self, text: str, workspace: int, environment: int, now: int) -> tuple[str, tuple[ShortLink, ...]]:
        """A text with short links; they have no message yet."""
        text, found = shorten(text, self.domain.rstrip("/"), _new_token)
        end = now + self.expire_days * _DAY_MS
        return text, tuple(ShortLink(token, workspace, environment, 0, url, now, end) for token, url in found)

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = []
        if self.domain and not _is_domain(self.domain):
            detail = f"{self.domain[:60]!r} can't lead here; give https:// and a host, such as https://go.example.com"
            found.append(Refusal("bad_link_domain", detail, "/domain"))
        if self.kinds and not self.domain:
            detail = "short links need a domain that leads here, such as https://go.example.com"
            found.append(Refusal("bad_link_domain", detail, "/domain"))
        for place, kind in enumerate(self.kinds):
            if kind == OTP:
                detail = "links of one-time codes are never shortened: a code must not lead through anything"
                found.append(Refusal("links_not_possible", detail, f"/kinds/{place}"))
            elif kind not in LANES:
                detail = f"{kind[:40]!r} is not a kind; there are {', '.join(LANES)}.{did_you_mean(kind, LANES)}"
                found.append(Refusal("unknown_kind", detail, f"/kinds/{place}"))
        return found


def _new_token() -> str:
    return token_of(secrets.token_bytes(TOKEN_BYTES))


def _is_domain(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # raises when it is none
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and text.isascii()
        and not any(character.isspace() for character in text)
        and "@" not in parts.netloc
        and parts.path in ("", "/", PATH)
        and not (parts.query or parts.fragment)
    )


def asked(policy: LinkPolicy, wanted: bool | None, kind: str) -> bool | Refusal:
    """Are the links of this message to be shortened?"""
    if wanted is None:
        return kind in policy.kinds
    if wanted and kind == OTP:
        detail = "links of one-time codes are never shortened; leave shorten_links out"
        return Refusal("links_not_possible", detail, "/shorten_links")
    if wanted and not policy.domain:
        detail = "no domain for short links is declared; declare one in [policies.links], or leave shorten_links out"
        return Refusal("links_not_possible", detail, "/shorten_links")
    return wanted
