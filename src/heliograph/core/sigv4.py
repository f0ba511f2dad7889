"""AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

Carriers and S3-compatible storage are asked with it. The path and the query of a URL are taken as they stand: whoever
makes the URL escapes them, and names the parameters of the query in their order.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DAY_LETTERS: Final = 8


class Credentials(NamedTuple):
    """Who signs, and for which service of which region."""

    access_key_id: str
    secret: str
    region: str
    service: str


def digest(body: bytes) -> str:
    """Of a body, as a signature names it."""
    return hashlib.sha256(body).hexdigest()


def signed(
    method: str, url: str, headers: Mapping[str, str], body_digest: str, credentials: Credentials, at: int
) -> dict[str, str]:
    """The headers with the time (`at`, in milliseconds) and the signature; all are signed, and the host."""
    moment = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    day = moment[:_DAY_LETTERS]
    stamped = {**headers, "X-Amz-Date": moment}
    parts = urlsplit(url)
    lines = {name.lower(): " ".join(value.split()) for name, value in stamped.items()} | {"host": parts.netloc}
    names = ";".join(sorted(lines))
    canonical = [method, parts.path or "/", parts.query, *(f"{name}:{lines[name]}" for name in sorted(lines))]
    request = "\n".join([*canonical, "", names, body_digest])
    scope = f"{day}/{credentials.region}/{credentials.service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, moment, scope, digest(request.encode())])
    key = f"AWS4{credentials.secret}".encode()
    for word in (day, credentials.region, credentials.service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    who = f"Credential={credentials.access_key_id}/{scope}"
    return {**stamped, "Authorization": f"{_ALGORITHM} {who}, SignedHeaders={names}, Signature={signature}"}
