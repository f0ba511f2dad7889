"""Which ways a plan has for one message: its steps in their order, the addresses that they go to, their requests."""

from typing import Any, Final

import msgspec

from heliograph.core import plans, senders
from heliograph.core.channels import CHANNELS
from heliograph.core.channels.channel import EMAIL_ADDRESS, SUBSCRIPTION
from heliograph.core.failures import Refusal, Refused
from heliograph.core.plans import PlanSpec, PlanStep
from heliograph.core.request import MessageRequest
from heliograph.engine.declared import Realm
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.engine.people.contacts import Contact
from heliograph.products.plans.rows import Way

NO_ADDRESS: Final = "no_address"
_PASSING: Final = ("/to", "/send_at", "/valid_for", "/valid_until")  # what is wrong for this person or at this time


def choose(
    intake: Intake,
    now: int,
    caller: Caller,
    plain: dict[str, Any],
    spec: PlanSpec,
    kind: str,
    to: str,
    contact: Contact | None,
) -> tuple[Way, ...]:
    """The steps in their order. Raises `Refused` when not one of them could ever be sent."""
    prices: dict[int, tuple[str, str | None]] = {}
    ways: dict[int, Way] = {}
    refusals: list[Refusal] = []
    for place, step in enumerate(spec.steps):
        way = ways[place] = Way(place, step, address_for(step, to, contact))
        if step.kinds and kind not in step.kinds:
            continue
        if way.to is None:
            detail = f"no address of {to} is known that {step.channel} could use; give the step a to, or a contact"
            refusals.append(Refusal(NO_ADDRESS, detail, f"/plan/{place}/to"))
            continue
        draft = intake.draft(caller, request_of(plain, way), now)
        if isinstance(draft, Refusal):
            found = msgspec.structs.replace(draft, pointer=f"/plan/{place}{draft.pointer}")
            if draft.pointer not in _PASSING:
                raise Refused(found)  # whoever it is for, and whenever: better said now than skipped then
            refusals.append(found)
        elif draft.message.price is not None:
            prices[place] = draft.message.price, draft.message.currency
    preferred = contact.attributes.get(plans.PREFERENCE) if contact is not None else None
    chosen = [ways[place] for place, _ in plans.ordered(spec, kind, preferred, prices)]
    if not chosen:
        raise Refused(Refusal("no_step", f"the plan has no step for {kind} messages", "/plan"))
    if len(refusals) == len(chosen):
        raise Refused(*refusals)
    return tuple(chosen)


def spec_of(realm: Realm, plan: str | list[PlanStep] | None) -> tuple[str | None, PlanSpec]:
    """The declared plan of a name, or the one that the request brings. Raises `Refused`."""
    if isinstance(plan, str):
        spec = realm.plans.get(plan)
        if spec is None:
            known = ", ".join(sorted(realm.plans)) or "there are none"
            raise Refused(Refusal("unknown_plan", f"{plan[:60]!r} is not a plan: {known}", "/plan"))
        return plan, spec
    spec = PlanSpec(list(plan or ()))
    if not 1 <= len(spec.steps) <= 10:
        raise Refused(Refusal("bad_value", "a plan has 1 to 10 steps", "/plan"))
    if wrong := spec.wrong():
        raise Refused(*(msgspec.structs.replace(r, pointer=r.pointer.replace("/steps", "/plan", 1)) for r in wrong))
    return None, spec


def address_for(step: PlanStep, to: str, contact: Contact | None) -> str | None:
    """Where a step goes: its own address, the message's if the channel can use it, else the contact's."""
    if step.to is not None:
        return step.to
    present = [one.address for one in contact.addresses if one.until is None] if contact is not None else []
    return next((address for address in (to, *present) if _form(address) == CHANNELS[step.channel].address), None)


def _form(address: str) -> str:
    if "@" in address:
        return EMAIL_ADDRESS
    return SUBSCRIPTION if address.startswith("push_") else "number"


def request_of(plain: dict[str, Any], way: Way) -> MessageRequest:
    """The message of a step: as it was asked for, in the words and way of the step."""
    request = msgspec.convert(plain, MessageRequest)
    step = way.step
    request.to, request.channel = way.to or request.to, step.channel
    if step.text is not None:
        request.text, request.body, request.message, request.template, request.variables = step.text, *(None,) * 4
    request.content = step.content or (request.content if plain.get("channel") == step.channel else None)
    given = step.sender or request.sender or request.from_ or request.sender_id
    is_shown = given is not None and senders.type_of(given) in CHANNELS[step.channel].senders
    request.sender, request.from_, request.sender_id = given if is_shown or step.sender else None, None, None
    return request
