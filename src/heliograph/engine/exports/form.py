"""A declared export, `[exports.NAME]`: what is written, how, how often and where to."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.engine.exports.formats import refusal
from heliograph.engine.exports.tables import TABLES
from heliograph.engine.suggest import did_you_mean

_STEP: Final = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}"
_PATH: Final = rf"^{_STEP}(/{_STEP})*$"
_BUCKET: Final = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_OF_BUCKET: Final = ("s3_url", "region", "access_key_id", "secret")


class ExportForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To a folder below the data directory, or to a bucket of S3-compatible storage."""

    what: str
    format: str = "csv"
    environment: str = "live"
    every: Literal["hour", "day", "week"] = "day"
    wait_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 5  # after the end of the period: what is still under way
    texts: bool = False
    filters: dict[str, str] = {}
    folder: Annotated[str, Meta(max_length=200)] | None = None
    bucket: Annotated[str, Meta(pattern=_BUCKET)] | None = None
    prefix: Annotated[str, Meta(max_length=200)] = ""
    s3_url: str | None = None
    region: Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")] | None = None
    access_key_id: str | None = None
    secret: str | None = None

    def wrong(self) -> list[Refusal]:
        """What its types can't say."""
        found = [*self._wrong_rows(), *self._wrong_place()]
        if found_format := refusal(self.format):
            found.append(msgspec.structs.replace(found_format, status=422))
        return found

    def _wrong_rows(self) -> list[Refusal]:
        table = TABLES.get(self.what)
        if table is None:
            detail = f"{self.what[:40]!r} can't be exported; there are {', '.join(TABLES)}."
            return [Refusal("bad_value", detail + did_you_mean(self.what, TABLES), "/what")]
        return [
            Refusal("bad_value", f"{self.what} can't be narrowed by {name[:40]!r}", f"/filters/{name[:40]}")
            for name in self.filters
            if name not in table.filters
        ]

    def _wrong_place(self) -> list[Refusal]:
        if (self.folder is None) == (self.bucket is None):
            return [Refusal("missing_field", "an export goes to a folder or to a bucket: give one of the two", "")]
        found = []
        for name, path in (("folder", self.folder), ("prefix", self.prefix or None)):
            if path is not None and not re.match(_PATH, path):
                detail = f"{path[:60]!r} is no path: names of letters, digits, - _ and . with / between them"
                found.append(Refusal("bad_value", detail, f"/{name}"))
        for name in _OF_BUCKET:
            if (getattr(self, name) is None) == (self.bucket is not None):
                if self.bucket is None:
                    found.append(Refusal("unknown_field", f"a folder has no {name}", f"/{name}"))
                else:
                    found.append(Refusal("missing_field", f"a bucket needs {name}", f"/{name}"))
        if self.s3_url is not None and not re.match(r"^https?://[^/?#@]+$", self.s3_url):
            detail = "give the address of the storage alone, such as https://s3.eu-central-1.amazonaws.com"
            found.append(Refusal("bad_url", detail, "/s3_url"))
        return found
