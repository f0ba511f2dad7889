"""AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

For requests like ours: a plain path, no query.
"""

import hmac
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from heliograph.carriers.http.proof import hmac_hex, sha256_hex
from heliograph.carriers.http.provider import Call

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


def signed(call: Call, *, region: str, service: str, access_key_id: str, secret: str, at: int) -> Call:
    """The call with its time (`at`, in milliseconds) and its signature; all its headers are signed, and the host."""
    moment = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    day = moment[:8]
    headers = call.headers | {"X-Amz-Date": moment}
    parts = urlsplit(call.url)
    lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {"host": parts.netloc}
    names = ";".join(sorted(lines))
    canonical = [call.method, parts.path or "/", "", *(f"{name}:{lines[name]}" for name in sorted(lines))]
    request = "\n".join([*canonical, "", names, sha256_hex(call.body)])
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, moment, scope, sha256_hex(request.encode())])
    key = f"AWS4{secret}".encode()
    for word in (day, region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac_hex("sha256", key, to_sign.encode())
    authorization = f"{_ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return Call(call.method, call.url, headers | {"Authorization": authorization}, call.body)
