"""What a workspace declares about keywords: `[policies.keywords]`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.keywords.custom import Custom, Own, check, prepare

_Word = Annotated[str, Meta(min_length=1, max_length=30)]


class OwnKeyword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of a workspace's own, and what they mean."""

    words: Annotated[list[_Word], Meta(min_length=1, max_length=50)]
    action: Literal["opt_out", "opt_in", "help", "none"] = "none"
    topic: str = ""
    flow: str = ""


class KeywordPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Languages in which people write beside those of their countries, topics that they may name, and own words."""

    languages: list[Annotated[str, Meta(pattern="^[a-z]{2,3}$")]] = []
    topics: list[_Word] = []
    keywords: list[OwnKeyword] = []
    countries: list[Annotated[str, Meta(pattern="^[A-Z]{2}$")]] = []  # whose law holds for the numbers; none: any

    @property
    def custom(self) -> Custom:
        return prepare(self._own, self.topics)

    @property
    def _own(self) -> list[Own]:
        return [Own(tuple(one.words), one.action, one.topic, one.flow) for one in self.keywords]

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        return check(self._own, self.topics, countries=self.countries)
