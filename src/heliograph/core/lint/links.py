"""Links in a text, as phones see them, and what is wrong with them."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final, NamedTuple

from heliograph.core.lint.letters import is_disguised
from heliograph.core.lint.rules import DATA

# Linear: what a label or a path may hold never overlaps with what ends it, and no match begins inside a word.
_links: Final = re.compile(
    r"(?P<schemed>https?://[^\s<>\"]+)|"
    r"(?<![\w@./:-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}(?![\w@])(?::\d{1,5})?(?:/[^\s<>\"]*)?",
    re.IGNORECASE,
).finditer
_maybe: Final = re.compile(r"\.\w|://").search
_NUMBER: Final = re.compile(r"0x[0-9a-f]{1,8}|\d{1,10}", re.IGNORECASE)
_GLUED_END: Final = re.compile(r"[.!?;][A-Z][a-z]{1,15}$")
_AFTER: Final = ".,;:!?)]}'’”»"


class Link(NamedTuple):
    """One link and its place."""

    start: int
    end: int
    scheme: str  # empty: none was written
    host: str  # lower case
    has_user: bool
    has_path: bool

    @property
    def is_certain(self) -> bool:
        """Beyond doubt a link: more than a name with a dot in it."""
        return bool(self.scheme) or self.has_path or self.host.startswith("www.")


def find(text: str) -> list[Link]:
    """The links of a text, in their order. Only where a dot or a scheme stands inside a word is it read closely."""
    found: list[Link] = []
    read = 0
    while match := _maybe(text, read):
        start = max(read, text.rfind(" ", read, match.start()), text.rfind("\n", read, match.start()))
        space = text.find(" ", match.end())
        read = space if space >= 0 else len(text)
        for each in _links(text, start, read):
            link = (_schemed_link if each["schemed"] else _bare_link)(each.start(), each.group())
            if link is not None:
                found.append(link)
    return found


def _schemed_link(start: int, written: str) -> Link | None:
    written = written.rstrip(_AFTER)
    scheme, _, rest = written.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    host = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return Link(start, start + len(written), scheme.lower(), host.lower(), bool(user), True)


def _bare_link(start: int, written: str) -> Link | None:
    written = written.rstrip(_AFTER)
    host, slash, _ = written.partition("/")
    host = host.partition(":")[0].lower()
    ending = host.rpartition(".")[2]
    if slash and _is_dotted_quad(host) and re.search("[A-Za-z]", written):
        return Link(start, start + len(written), "", host, False, True)
    if not ending.isalpha() or len(ending) < 2 or not (slash or ending in DATA.link_endings):
        return None
    return Link(start, start + len(written), "", host, False, bool(slash))


def is_shortened(link: Link) -> bool:
    """On a shortener that everybody may use?"""
    return belongs(link.host, DATA.shorteners)


def belongs(host: str, domains: Collection[str]) -> bool:
    """Is a host one of these domains, or below one?"""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False


def is_bare_address(link: Link) -> bool:
    """A number in the place of a name (dotted, decimal, hexadecimal, IPv6), or a user name before the host?"""
    return (
        link.has_user
        or link.host.startswith("[")
        or _is_dotted_quad(link.host)
        or (link.scheme != "" and _NUMBER.fullmatch(link.host) is not None)
    )


def _is_dotted_quad(host: str) -> bool:
    labels = host.split(".")
    return len(labels) == 4 and all(_NUMBER.fullmatch(label) for label in labels)


def is_look_alike(link: Link) -> bool:
    """Does its host imitate another by letters that look alike?"""
    return (not link.host.isascii() or "xn--" in link.host) and _imitates(link.host)


@lru_cache(maxsize=1_000)
def _imitates(host: str) -> bool:
    return any(is_disguised(_decoded(label), whole=True) for label in host.split("."))


def _decoded(label: str) -> str:
    """A label as it is shown (RFC 3492); one that can't be read stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def is_glued(text: str, link: Link) -> bool:
    """Does a word touch the link, so that a phone takes the wrong thing for it?"""
    before = text[link.start - 1] if link.start else " "
    return (link.scheme != "" and before.isalnum()) or (
        link.is_certain and _GLUED_END.search(text, link.start, link.end) is not None
    )
