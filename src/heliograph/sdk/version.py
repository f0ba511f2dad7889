"""Which version of the SDK this is. It is installable alone, so it says so by itself."""

from typing import Final

VERSION: Final = "0.1.0"
