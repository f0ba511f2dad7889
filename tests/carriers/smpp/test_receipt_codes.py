"""What the carrier's own code in a receipt means: what was declared of it, else what the standard says."""

from typing import Any, Final

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.settings import REASONS
from heliograph.core.failures import CONSEQUENCES
from heliograph.core.meanings import CODES
from heliograph.engine.receipts import judge
from heliograph.smpp.commands import DATA_SM, DELIVER_SM, Tag
from heliograph.smpp.parts import INTERMEDIATE, RECEIPT
from heliograph.store.port import AttemptRow, Match
from tests.carriers.network import NOW, message
from tests.carriers.smpp.test_page import rows
from tests.carriers.smpp.test_reports import ENDS, received, report, sent

Why = tuple[str | None, str | None]
NO_NUMBER: Final = ("permanent", "invalid_number")
FULL: Final = ("unreachable", "memory_full")
AS_EVER: Final = ("unknown", "undeliverable")
GSM_27: Final = b"\x03\x00\x1b"
NEEDED: Final = {"kind": "smpp", "host": "smsc.example", "system_id": "acme", "password": "secret"}


def why(text: str, codes: dict[str, str], esm_class: int = RECEIPT, **tlvs: bytes) -> Why:
    """Failure and code of a receipt of this text and with these parameters."""
    known = {getattr(Tag, name.upper()): octets for name, octets in tlvs.items()}
    found = received(report(f"id:7 {text} text:", esm_class=esm_class, tlvs=known), receipt_codes=codes)
    return found.failure, found.code


@pytest.mark.parametrize(
    ("declared", "err", "expected"),
    [
        ("001", "001", NO_NUMBER),
        ("001", "1", NO_NUMBER),
        ("1", "001", NO_NUMBER),
        ("1", "00001", NO_NUMBER),
        ("21B", "21b", NO_NUMBER),
        ("0x0b", "0X0B", NO_NUMBER),
        ("-1", "-1", NO_NUMBER),
        ("001", "002", AS_EVER),
        ("001", "10", AS_EVER),
        ("21b", "021b", AS_EVER),  # only before a number noughts say nothing
        ("001", "000", AS_EVER),
        ("3:27", "27", AS_EVER),
    ],
)
def test_a_code_means_what_was_declared_of_it(declared: str, err: str, expected: Why) -> None:
    assert why(f"stat:UNDELIV err:{err}", {declared: "invalid_number", "999": "memory_full"}) == expected


@pytest.mark.parametrize("stat", ENDS)
def test_of_every_bad_end_and_of_no_good_one(stat: str) -> None:
    _, *usual = ENDS[stat]
    assert why(f"stat:{stat} err:001", {"002": "invalid_number"}) == tuple(usual)
    assert why(f"stat:{stat} err:001", {"001": "invalid_number"}) == ((None, None) if stat == "DELIVRD" else NO_NUMBER)


@pytest.mark.parametrize(
    ("text", "esm_class"), [("stat:ENROUTE err:001", RECEIPT), ("stat:UNDELIV err:001", INTERMEDIATE)]
)
def test_progress_has_no_reason(text: str, esm_class: int) -> None:
    told = {"delivery_failure_reason": b"\1"}
    assert why(text, {"001": "invalid_number"}, esm_class, **told) == (None, None)


@pytest.mark.parametrize(
    ("err", "network_error", "expected"),
    [
        ("000", GSM_27, FULL),
        ("1042", GSM_27, FULL),  # of the two, the one that was declared
        ("001", GSM_27, NO_NUMBER),  # of two that were declared, the one that is shown
        ("000", b"\x03\x00\x1c", AS_EVER),  # what is not declared is not guessed: networks number as they like
        ("000", b"\x08\x00\x1b", AS_EVER),
        ("000", b"\x03\x1b", AS_EVER),
    ],
)
def test_the_networks_error_is_declared_as_it_is_shown(err: str, network_error: bytes, expected: Why) -> None:
    codes = {"3:27": "memory_full", "001": "invalid_number"}
    assert why(f"stat:UNDELIV err:{err}", codes, network_error_code=network_error) == expected


@pytest.mark.parametrize("network_error", [b"\x03\x00\x01", b"\x03\x00\x1b"])
def test_without_a_table_no_code_is_guessed(network_error: bytes) -> None:
    assert why("stat:UNDELIV err:001", {}, network_error_code=network_error) == AS_EVER


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=["deliver_sm", "data_sm"])
@pytest.mark.parametrize(
    ("stat", "reason", "expected"),
    [
        ("UNDELIV", b"\0", ("unreachable", "absent_subscriber")),
        ("UNDELIV", b"\1", NO_NUMBER),
        ("UNDELIV", b"\2", AS_EVER),
        ("UNDELIV", b"\3", ("transient", "carrier_busy")),
        ("UNDELIV", b"\4", AS_EVER),
        ("UNDELIV", b"", AS_EVER),
        ("UNDELIV", b"\0\1", AS_EVER),
        ("REJECTD", b"\0", ("content", "refused_by_carrier")),
        ("REJECTD", b"\1", NO_NUMBER),
        ("EXPIRED", b"\0", ("unreachable", "expired_at_carrier")),
        ("DELIVRD", b"\1", (None, None)),
    ],
)
def test_the_standards_own_reason_is_read(command: int, stat: str, reason: bytes, expected: Why) -> None:
    octets, tlvs = f"id:7 stat:{stat} err:000 text:".encode(), {Tag.DELIVERY_FAILURE_REASON: reason}
    if command == DATA_SM:
        pdu = sent(DATA_SM, tlvs | {Tag.MESSAGE_PAYLOAD: octets}, esm_class=RECEIPT)
    else:
        pdu = report(octets, tlvs=tlvs)
    found = received(pdu)
    assert (found.failure, found.code) == expected


def test_what_was_declared_goes_before_the_standard() -> None:
    told = {"delivery_failure_reason": b"\1"}
    assert why("stat:UNDELIV err:012", {"012": "memory_full"}, **told) == FULL
    assert why("stat:UNDELIV err:013", {"012": "memory_full"}, **told) == NO_NUMBER


def test_the_carriers_code_is_kept_as_it_came() -> None:
    codes = {"1": "invalid_number", "3:27": "memory_full"}
    assert received(report("id:7 stat:UNDELIV err:0001 text:"), receipt_codes=codes).carrier_code == "0001"
    tlvs = {Tag.NETWORK_ERROR_CODE: GSM_27}
    assert received(report("id:7 stat:UNDELIV err:000 text:", tlvs=tlvs), receipt_codes=codes).carrier_code == "3:27"


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_its_own_code_with_a_class_and_a_meaning(reason: str) -> None:
    assert why("stat:UNDELIV err:001", {"001": reason}) == (REASONS[reason], reason)
    assert REASONS[reason] in CONSEQUENCES and reason in CODES


@pytest.mark.parametrize("others", [("delivered",), ("accepted",), ("accepted", "delivered")])
def test_one_part_tells_it_of_the_whole_message(others: tuple[str, ...]) -> None:
    receipt = received(report("id:7 stat:UNDELIV err:001 text:"), receipt_codes={"001": "invalid_number"})
    rest = tuple(_part(number, state) for number, state in enumerate(others, 2))
    long = message(1, state="sent", owner=1, sent_at=NOW, segments=len(others) + 1)
    move = judge(Match(receipt, long, _part(1, "accepted"), rest))
    assert move.message.state == "undelivered"
    assert (move.message.failure, move.message.failure_code, move.message.carrier_code) == (*NO_NUMBER, "001")


def _part(number: int, state: str) -> AttemptRow:
    return AttemptRow(1, 1, number, "telco", state, f"{number}", None, None, None, NOW, NOW, None)


# -- the setting

ALL: Final = ", ".join(REASONS)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"001": "invalid_numbr"}, f"'invalid_numbr' is no reason: {ALL}"),
        ({"001": "permanent"}, f"'permanent' is no reason: {ALL}"),
        (
            {"0 1": "memory_full"},
            "'0 1' is no code of a receipt: write its err, one word, or network_error_code as 3:27",
        ),
        ({"": "memory_full"}, "'' is no code of a receipt: write its err, one word, or network_error_code as 3:27"),
        ({"000": "memory_full"}, "'000' says that there is no error: leave it out"),
        ({"1": "memory_full", "001": "invalid_number"}, "'1' and '001' are the same code: keep one of them"),
        ({"ab": "memory_full", "AB": "memory_full"}, "'ab' and 'AB' are the same code: keep one of them"),
    ],
)
def test_a_wrong_table_is_refused_with_what_would_be_right(codes: dict[str, str], expected: str) -> None:
    assert catalogue.check("smpp", {**NEEDED, "receipt_codes": codes}) == ("receipt_codes", expected)


def test_the_page_explains_each_reason_with_its_class() -> None:
    explained: list[Any] = rows("What a receipt's code means")
    assert {reason.strip("`"): failure.strip("`") for reason, failure, *_ in explained} == REASONS
