"""How messages leave, and what the carrier's answers mean: each submission is answered exactly once."""

from collections import Counter
from typing import Any, Final

import pytest

from heliograph.core.message import Outcome
from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import GENERIC_NACK, Tag
from heliograph.smpp.parts import payload
from heliograph.smpp.status import CODES
from tests.carriers.smpp.centre import HELD, THREE_PARTS, Play, hold, text, texts

# -- submits


@pytest.mark.asyncio
async def test_an_accepted_message_has_the_carriers_id() -> None:
    play = await Play().opened()
    await play.submit(text())
    assert play.outcome() == Outcome("accepted", ("id-1",))
    assert play.centre.texts == ["Hello"]


@pytest.mark.asyncio
async def test_submits_are_spread_over_the_binds() -> None:
    play = await Play(binds=3).opened()
    play.centre.verdict = hold
    await play.submit(*texts(12))
    assert sorted(Counter(id(taken.link) for taken in play.centre.taken).values()) == [4, 4, 4]


@pytest.mark.asyncio
async def test_the_bind_with_the_least_to_do_gets_the_next() -> None:
    play = await Play(binds=2).opened()
    slow, fast = play.centre.open_links
    play.centre.verdict = lambda taken: HELD if taken.link is slow else 0
    for number in range(1, 7):
        await play.submit(text(number))
    assert Counter(taken.link is slow for taken in play.centre.taken) == {True: 1, False: 5}
    assert fast.is_open


@pytest.mark.asyncio
async def test_the_parts_of_a_message_leave_in_order_on_one_bind() -> None:
    play = await Play(binds=3).opened()
    await play.submit(*(text(number, f"{number} {THREE_PARTS}") for number in range(1, 4)))
    for number in range(1, 4):
        mine = [
            taken
            for taken in play.centre.taken
            if payload(taken.pdu).part and taken.link is play.centre.links[number - 1]
        ]
        assert [part.number for taken in mine if (part := payload(taken.pdu).part)] == [1, 2, 3]
        assert len(play.outcome(number).carrier_ids) == 3


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.asyncio
async def test_the_window_is_kept(window: int) -> None:
    play = await Play(window=window, binds=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(20))
    seen = 0
    while play.centre.held:
        per_link = Counter(id(taken.link) for taken in play.centre.held)
        assert max(per_link.values()) <= window
        assert len(play.centre.taken) == min(20, seen + 2 * window)
        seen += len(play.centre.held)
        await play.answer_held()
    assert seen == 20
    assert {outcome.state for outcome in play.outcomes(*range(1, 21))} == {"accepted"}


@pytest.mark.asyncio
async def test_each_answer_that_comes_lets_the_next_leave() -> None:
    play = await Play(window=2).opened()
    play.centre.verdict = hold
    await play.submit(*texts(4))
    assert play.centre.texts == ["Hello 1", "Hello 2"]
    play.centre.answer(play.centre.held.pop(1))
    await play.settle()
    assert play.centre.texts == ["Hello 1", "Hello 2", "Hello 3"]


@pytest.mark.asyncio
async def test_answers_may_come_in_any_order() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(*texts(5))
    held = {taken.text: taken for taken in play.centre.held}
    for number in (3, 1, 5, 2, 4):
        play.centre.answer(held[f"Hello {number}"], fields={"message_id": f"x{number}"})
        await play.settle()
    assert [outcome.carrier_ids for outcome in play.outcomes(1, 2, 3, 4, 5)] == [(f"x{n}",) for n in range(1, 6)]
    assert [submission.message.id for submission, _ in play.answers] == [3, 1, 5, 2, 4]


@pytest.mark.asyncio
async def test_the_ids_of_parts_stand_in_the_order_of_the_parts() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1, THREE_PARTS))
    for place in (2, 0, 1):
        assert play.answers == []  # a message is answered once, when all of its parts are
        play.centre.answer(play.centre.held[place], fields={"message_id": f"part {place + 1}"})
        await play.settle()
    assert play.outcome() == Outcome("accepted", ("part 1", "part 2", "part 3"))


@pytest.mark.asyncio
async def test_an_answer_without_an_id_is_an_answer() -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text(1), text(2))
    first, second = play.centre.held
    first.link.session.respond(first.pdu, 0, {"message_id": ""})
    play.centre.answer(second, fields={})
    await play.settle()
    assert play.outcomes(1, 2) == [Outcome("accepted", ("",))] * 2


# -- refusals

THROTTLE: Final = ("throttled", "too_fast", False)
TRANSIENT: Final = ("transient", "carrier_busy", False)
PERMANENT: Final = ("permanent", "refused_by_carrier", False)
ROUTE: Final = ("permanent", "sender_refused", True)
CONFIG: Final = ("permanent", "connector_misconfigured", True)


@pytest.mark.parametrize(
    ("status", "error_codes", "expected"),
    [
        (CODES["RTHROTTLED"], {}, THROTTLE),
        (CODES["RMSGQFUL"], {}, THROTTLE),
        (CODES["RSYSERR"], {}, TRANSIENT),
        (CODES["RSUBMITFAIL"], {}, TRANSIENT),
        (CODES["RX_T_APPN"], {}, TRANSIENT),
        (CODES["RINVDSTADR"], {}, ("permanent", "invalid_number", False)),
        (CODES["RX_P_APPN"], {}, PERMANENT),
        (CODES["RINVSRCADR"], {}, ROUTE),
        (CODES["RINVSRCTON"], {}, ROUTE),
        (CODES["RINVDCS"], {}, CONFIG),
        (CODES["RINVTLVVAL"], {}, CONFIG),
        (CODES["RINVCMDID"], {}, ("transient", "not_understood", False)),
        (CODES["RQUERYFAIL"], {}, PERMANENT),
        (0x400, {}, TRANSIENT),  # a carrier's own, which may mean anything
        (1375, {}, TRANSIENT),
        (0xFFFFFFFF, {}, TRANSIENT),
        *((0x411, {"0x411": kind}, expected) for kind, expected in (
            *(("throttle", THROTTLE), ("transient", TRANSIENT), ("permanent", PERMANENT)),
            *(("route", ROUTE), ("config", CONFIG)),
        )),
        (1375, {"1375": "permanent"}, PERMANENT),
        (CODES["RSUBMITFAIL"], {"RSUBMITFAIL": "permanent"}, PERMANENT),
        (CODES["RINVDSTADR"], {"ESME_RINVDSTADR": "route"}, ROUTE),
        (CODES["RSYSERR"], {"rsyserr": "throttle"}, THROTTLE),
        (CODES["RTHROTTLED"], {"0x58": "transient"}, TRANSIENT),
        pytest.param(CODES["RMSGQFUL"], {"RMSGQFUL": "transient"}, TRANSIENT),
        pytest.param(CODES["RMSGQFUL"], {"0x14": "permanent"}, PERMANENT),
    ],
)  # fmt: skip
@pytest.mark.asyncio
async def test_what_a_refusal_means_is_told_by_its_class(
    status: int, error_codes: dict[str, str], expected: tuple[str, str, bool]
) -> None:
    play = await Play(error_codes=error_codes).opened()
    play.centre.verdict = lambda taken: status
    await play.submit(text())
    outcome = play.outcome()
    assert (outcome.state, outcome.carrier_ids) == ("refused", ())
    assert (outcome.failure, outcome.code, outcome.elsewhere) == expected
    await play.wait(60)
    assert len(play.centre.taken) == 1  # trying again is the engine's business


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (CODES["RINVDSTADR"], None, "RINVDSTADR (0x0000000B)"),
        (0x55F, None, "0x0000055F (1375)"),
        (0x55F, b"no credit left\0", "0x0000055F (1375): no credit left"),
        (CODES["RSYSERR"], b"", "RSYSERR (0x00000008)"),
    ],
)
@pytest.mark.asyncio
async def test_the_carriers_own_words_are_kept(status: int, told: bytes | None, expected: str) -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    tlvs = None if told is None else {Tag.ADDITIONAL_STATUS_INFO_TEXT: told}
    play.centre.answer(play.centre.held[0], status, {}, tlvs=tlvs)
    await play.settle()
    assert play.outcome().carrier_code == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (CODES["RINVCMDID"], ("refused", "transient", "not_understood")),
        (CODES["RTHROTTLED"], ("refused", "throttled", "too_fast")),
        (0, ("refused", "transient", "not_understood")),  # no answer to a submit: nothing was taken
    ],
)
@pytest.mark.asyncio
async def test_a_generic_nack_is_an_answer(status: int, expected: tuple[str, str, str]) -> None:
    play = await Play().opened()
    play.centre.verdict = hold
    await play.submit(text())
    [taken] = play.centre.held
    taken.link.protocol.data_received(encode(Pdu(GENERIC_NACK, status=status, sequence=taken.pdu.sequence)))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == expected


# -- what can't be written


@pytest.mark.asyncio
async def test_a_text_in_more_parts_than_can_be_counted_is_refused() -> None:
    play = await Play().opened()
    await play.submit(text(1, "a" * 153 * 256), text(2))
    outcome = play.outcome()
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "permanent", "unwritable")
    assert play.outcome(2).state == "accepted"


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, {"sender": "Ωmega"}),
        ({}, {"sender": "A" * 21}),
        ({}, {"to": "+" + "4" * 30}),
        ({"long_messages": "payload", "default_alphabet": "ascii"}, {"body": "a" * 153 * 250 + "é"}),  # 76 kB in UCS-2
    ],
)
@pytest.mark.asyncio
async def test_what_the_protocol_cannot_write_is_refused_and_all_else_goes_on(
    settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    play = await Play(window=2, **settings).opened()
    await play.submit(text(1), text(2, **changes), text(3), text(4))
    outcome = play.outcome(2)
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "permanent", "unwritable")
    assert [outcome.state for outcome in play.outcomes(1, 3, 4)] == ["accepted"] * 3
