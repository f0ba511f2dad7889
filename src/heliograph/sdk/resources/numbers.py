"""What texts take, and what is known of numbers."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models.numbers import Lookup, Preview


class PreviewFields(TypedDict, total=False):
    """For which message the text is."""

    smart_encoding: bool
    kind: str
    country: str
    sender: str
    national: Sequence[str]
    reference_bits: int


class Segments(Resource[D]):
    """Previews of texts."""

    @asks
    def preview(self, text: str, **more: Unpack[PreviewFields]) -> Ask[Preview]:
        """The parts that a text takes, and why."""
        return Ask("POST", at("segments"), Preview, body={"text": text, **more})


class Lookups(Resource[D]):
    """Numbers."""

    @asks
    def get(self, number: str, *, provider: str | None = None) -> Ask[Lookup]:
        """What is known of a number. `provider` asks a connector too, which may cost money."""
        return Ask("GET", at("lookup", number), Lookup, query=given(provider=provider))
