"""The page at which the recipient of an e-mail says no. A mail program posts to it at once; a person is asked first,
because programs that look at links before people do would say no for them."""

from html import escape
from typing import Final, NamedTuple

from heliograph.api.context import Context
from heliograph.engine import leaving
from heliograph.engine.leaving import PATH

METHODS: Final = ("GET", "HEAD", "POST")
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><h1>{title}</h1><p>{words}</p>{form}</html>"
)
_FORM: Final = '<form method="post"><button>Unsubscribe</button></form>'


class Answer(NamedTuple):
    """What a mail program or a person gets."""

    status: int
    body: bytes


def token_at(path: str) -> str | None:
    """The token that is asked for, if this is the place of them."""
    return path.removeprefix(PATH) if path.startswith(PATH) and len(path) < 200 else None


async def serve(context: Context, method: str, token: str, address: str) -> Answer:
    """Ask, or do what was asked for."""
    message = await leaving.find(context.ledger, token)
    if message is None:
        return _page(404, "This link leads nowhere", "It is not, or no longer, valid.")
    what = "promotional e-mails" if message.topic is None else f"e-mails about {message.topic}"
    if method != "POST":
        return _page(200, "Unsubscribe?", f"{message.to} will get no more {what} from this sender.", _FORM)
    await leaving.leave(context.ledger, context.clock, message, address)
    return _page(200, "Unsubscribed", f"{message.to} will get no more {what} from this sender.")


def _page(status: int, title: str, words: str, form: str = "") -> Answer:
    return Answer(status, _PAGE.format(title=title, words=escape(words), form=form).encode())
