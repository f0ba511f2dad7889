"""What the gateway answers, as types. Fields that are added later are passed over, and words that it may say one day
(a status, an event type) are kept as they are: an application doesn't break when its gateway learns something.
"""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list, or one page of it: `next_cursor` is where the next one begins; None: this was the last."""

    data: list[T]
    next_cursor: str | None = None
