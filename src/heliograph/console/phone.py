"""The sandbox phone: a handset in the browser that gets what is sent to its number, and can answer. It is there where
nothing can reach a real network; what it texts is heard in the environment in view and nowhere else.
"""

from typing import Final, NamedTuple

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, refuse
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refused
from heliograph.core.lifecycle import DELIVERED, ENDS, READ
from heliograph.core.message import Inbound, Message
from heliograph.core.numbers import BadNumber, parse
from heliograph.core.request import MessageRequest, read_time
from heliograph.core.views import has_code, message_id
from heliograph.engine import sending
from heliograph.engine.conversations import received
from heliograph.engine.conversations.received import Narrowed
from heliograph.engine.declared import Realm
from heliograph.store import reads
from heliograph.store.reads import MessageFilter

_USUAL: Final = "+447700900123"  # of fiction: nobody has it
_SHOWN: Final = 40
_LOOKED_AT: Final = 300
_NUMBERS: Final = 8
_LONGEST: Final = 1_000
_QUICK: Final = ("YES", "STOP", "START", "HELP")
_NOBODY: Final = "heliograph"  # whom a phone answers that was texted without a sender


class Bubble(NamedTuple):
    """What was said. `note`: what there is to say of it; `is_ours`: the application's."""

    at: int
    text: str
    is_ours: bool
    sender: str
    note: str = ""
    id: str = ""
    key: str = ""


async def show(visit: Visit) -> Answer:
    return await _shown(visit, _number(visit, visit.query.get("number")), {})


async def reply(visit: Visit) -> Answer:
    """The phone texts back to whom it heard from last."""
    number, text = _number(visit, visit.form.get("number")), visit.form.raw("text").strip()[:_LONGEST]
    _rehearsing(visit)
    if not text:
        return await _shown(visit, number, {"reply": "Write something first."}, status=422)
    messages = await _messages(visit, number)
    to = next((message.sender for message in reversed(messages) if message.sender), _NOBODY)
    visit.means.hear(Inbound(SANDBOX, number, to, text, visit.now, environment=visit.client.environment))
    return visit.go(_place(number))


async def send(visit: Visit) -> Answer:
    """A message to the phone, without a key and a terminal."""
    number = _number(visit, visit.form.get("number"))
    _rehearsing(visit)
    text = visit.form.raw("text").strip()[:_LONGEST]
    request = MessageRequest(to=number, text=text, sender=visit.form.get("sender") or None, tags=["console"])
    try:
        await sending.send(
            visit.means.intake, visit.caller, request, visit.now, once=f"phone {visit.form.get('once')[:40]} {number}"
        )
    except Refused as refused:
        return await _shown(visit, number, {"text": refused.refusals[0].detail}, status=422, text=text)
    return visit.go(_place(number))


async def _shown(
    visit: Visit, number: str, problems: dict[str, str], *, status: int = 200, text: str = "Hello from Heliograph"
) -> Answer:
    realm = _realm(visit)
    if not realm.rehearses:
        return visit.show("phone_none.html")
    return visit.show(
        "phone.html",
        status=status,
        number=number,
        numbers=await _numbers(visit),
        bubbles=await _bubbles(visit, number),
        quick=_QUICK,
        text=text,
        problems=problems,
        may_send=visit.may("messages:send"),
        senders=sorted(name for name in realm.rules.senders if name),
    )


async def _bubbles(visit: Visit, number: str) -> list[Bubble]:
    """What came and what was answered, the oldest first."""
    sent = [_bubble(visit, message) for message in await _messages(visit, number)]
    narrowed = Narrowed(from_number=number)
    heard, _ = await received.page(
        visit.means.ledger, visit.client.workspace, visit.client.environment, narrowed, None, _SHOWN
    )
    said = [
        Bubble(_moment(one.received_at), one.text or "", False, number, "signed off" if one.opt_out else "", key=one.id)
        for one in heard
    ]
    return sorted([*sent, *said], key=lambda bubble: bubble.at)[-_SHOWN:]


def _bubble(visit: Visit, message: Message) -> Bubble:
    note = ""
    if message.state not in (DELIVERED, READ):
        note = f"{message.state}: it is not on the phone" if message.state in ENDS else "on its way"
    hidden = has_code(message) and visit.client.mode != "test"
    text = "a code, which is not shown" if hidden else message.text or "the text is no longer kept"
    at = message.final_at or message.accepted_at
    return Bubble(at, text, True, message.sender or "", note, message_id(message), f"m{message.id}")


async def _messages(visit: Visit, number: str) -> list[Message]:
    found = await reads.list_messages(visit.means.ledger, visit.where, MessageFilter(to=number), _SHOWN)
    return found[::-1]


async def _numbers(visit: Visit) -> list[str]:
    """Those that were texted of late."""
    ledger = visit.means.ledger
    rows = await ledger.fetch(
        "SELECT to_number FROM messages WHERE id > $1 AND +workspace = $2 AND +environment = $3 ORDER BY id DESC",
        await reads.floor_of(ledger, "messages", _LOOKED_AT),
        visit.where.workspace,
        visit.where.environment,
    )
    return list(dict.fromkeys(row[0] for row in rows))[:_NUMBERS]


def _number(visit: Visit, text: str) -> str:
    """The phone's number, as people write it. Raises `Refused`."""
    if not text:
        return _USUAL
    found = parse(text, visit.client.default_country)
    if isinstance(found, BadNumber):
        raise refuse(found.code, f"{found.detail[:1].upper()}{found.detail[1:]}.", "number")
    return found.e164


def _rehearsing(visit: Visit) -> None:
    if not _realm(visit).rehearses:
        raise refuse("no_phone", "This environment sends to real phones. The sandbox phone is in test.", status=409)


def _realm(visit: Visit) -> Realm:
    return visit.means.snapshot().realms[visit.client.environment]


def _place(number: str) -> str:
    return f"/console/phone?number=%2B{number.removeprefix('+')}"


def _moment(text: str) -> int:
    found = read_time(text, "")
    return found if isinstance(found, int) else 0


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/phone", show, "messages:read", entry=Entry("Sandbox phone", "phone", "Build")),
    Page("POST", "/console/phone/reply", reply, "messages:send"),
    Page("POST", "/console/phone/send", send, "messages:send"),
)
