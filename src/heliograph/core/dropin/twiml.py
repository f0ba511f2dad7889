"""What an application answers to a message from a phone, in TwiML: texts to send back. Other verbs are left alone."""

from typing import Final
from xml.etree import ElementTree

_MOST: Final = 10
_DECLARES: Final = (b"<!DOCTYPE", b"<!ENTITY")  # nobody needs them, and entities can grow without end


def texts(body: bytes) -> list[str]:
    """The texts of `<Response><Message>…`, of which `<Body>` may hold the words; empty when it is no such answer."""
    if not body.lstrip().startswith(b"<") or any(mark in body.upper() for mark in _DECLARES):
        return []
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return []
    if root.tag != "Response":
        return []
    found = []
    for message in root.findall("Message"):
        words = message.find("Body")
        text = "".join((message if words is None else words).itertext()).strip()
        if text:
            found.append(text)
    return found[:_MOST]
