"""What an ID token must say before anybody is believed: OpenID Connect Core 1.0, section 3.1.3.7."""

import hmac
from collections.abc import Mapping
from typing import Any, Final

LEEWAY_S: Final = 60  # that clocks may differ by
OLDEST_S: Final = 600  # a token comes straight from the provider: one of yesterday is somebody's copy


def wrong_with(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now_s: int) -> str | None:
    """What speaks against the claims of a token whose signature is right; None when nothing does."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    expires, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    given = claims.get("nonce")
    if claims.get("iss") != issuer:
        return "it is from another issuer"
    if client_id not in audiences:
        return "it is for another client"
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        return "it was given to another client"
    if expires is None or expires + LEEWAY_S <= now_s:
        return "it has expired"
    if issued is None or issued - LEEWAY_S > now_s or issued + OLDEST_S < now_s:
        return "it was not made just now"
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        return "it answers another login"
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        return "it names nobody"
    return None


def _time(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
