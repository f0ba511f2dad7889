"""Receipts: every dialect of the published list, our own read back, and no text that can't be read."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp import receipts
from heliograph.smpp.commands import Tag
from heliograph.smpp.receipts import NUMBERS, STATES, Receipt

CASES: Final[dict[str, dict[str, Any]]] = {
    case["name"]: case
    for case in json.loads((Path(__file__).parent / "vectors/receipts.json").read_text("utf-8"))["receipts"]
}
SEEN: Final = ("id", "stat", "err", "sub", "dlvrd", "text")
IDS: Final = st.text("0123456789abcdefABCDEF-._:", min_size=1, max_size=64)
DATES: Final = st.datetimes(datetime(1970, 1, 1), datetime(2037, 12, 31)).map(
    lambda at: at.replace(second=0, microsecond=0)
)
# Texts that look like receipts, and then again not: keys, values and noise in any order.
PIECES: Final = st.sampled_from(
    [
        *(
            "id:",
            "sub:",
            "dlvrd:",
            "submit date:",
            "done date:",
            "done_date:",
            "stat:",
            "err:",
            "text:",
            "Text:",
            "ID:",
        ),
        *(
            " ",
            "  ",
            "\t",
            "\n",
            "\0",
            "001",
            "000",
            "2611201430",
            "0000000000",
            "DELIVRD",
            "delivered",
            "٣٣٣",
            "é",
            "7f",
        ),
    ]
)


def tlvs_of(case: dict[str, Any]) -> dict[int, bytes]:
    given_tlvs = case.get("tlvs", {})
    found = {}
    if "receipted_message_id" in given_tlvs:
        found[Tag.RECEIPTED_MESSAGE_ID] = given_tlvs["receipted_message_id"].encode() + b"\0"
    if "message_state" in given_tlvs:
        found[Tag.MESSAGE_STATE] = bytes((given_tlvs["message_state"],))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_receipt_of_the_list_is_read_as_it_is_meant(name: str) -> None:
    case = CASES[name]
    found = receipts.read(case["text"], tlvs_of(case))
    if case["expect"] is None:
        assert found is None
        return
    assert found is not None
    expected = dict.fromkeys((*SEEN, "submitted", "done")) | case["expect"]
    dates = [expected.pop("submitted"), expected.pop("done")]
    assert {key: getattr(found, key) for key in SEEN} == expected
    assert [receipts.date(text) for text in (found.submitted, found.done)] == [
        datetime.fromisoformat(text) if text else None for text in dates
    ]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2611201430", datetime(2026, 11, 20, 14, 30)),
        ("261120143053", datetime(2026, 11, 20, 14, 30, 53)),
        ("20261120143053", datetime(2026, 11, 20, 14, 30, 53)),
        ("2611201430+0200", datetime(2026, 11, 20, 14, 30)),  # the zone is for who knows the carrier
        ("2611201430-00", datetime(2026, 11, 20, 14, 30)),
        ("", None),
        (None, None),
        ("0000000000", None),
        ("00000000000000", None),
        ("26112014", None),
        ("2611201", None),
        ("261120143", None),
        ("2613201430", None),  # a month 13
        ("2602301430", None),
        ("2611202430", None),
        ("261120143061", None),
        ("yesterday", None),
    ],
)
def test_a_date_is_one_of_three_forms_or_none(text: str | None, at: datetime | None) -> None:
    assert receipts.date(text) == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stat:DELIVRD id:7", Receipt("7", "DELIVRD")),
        ("err:21b stat:REJECTD dlvrd:000 sub:001 id:7", Receipt("7", "REJECTD", "21b", None, None, 1, 0)),
        ("id:7\tstat:DELIVRD\terr:0", Receipt("7", "DELIVRD", "0")),
        ("id:7\r\nstat:DELIVRD", Receipt("7", "DELIVRD")),
        ("id:7  sub:001   stat: DELIVRD", Receipt("7", "DELIVRD", sub=1)),
        ("id:7 submit_date:26 done_date:27 stat:EXPIRED", Receipt("7", "EXPIRED", None, "26", "27")),
        ("id:7 stat:delivrd", Receipt("7", "DELIVRD")),
        ("id:7 stat:BUFFERED", Receipt("7", "ENROUTE")),
        ("id:7 stat:FAILED", Receipt("7", "UNDELIV")),
        ("id:7 stat:MAGIC", Receipt("7", "MAGIC")),  # the carrier's own word
        ("id:7 sub:xyz dlvrd:-1 stat:DELIVRD", Receipt("7", "DELIVRD")),
        ("id:7 id:8 stat:DELIVRD stat:EXPIRED", Receipt("7", "DELIVRD")),
        ("id:7 msgid:8 stat:DELIVRD", Receipt("7", "DELIVRD")),
        ("id:7 stat:DELIVRD text:\0\xff\nid:8", Receipt("7", "DELIVRD", text="\0\xff\nid:8")),
        ("text:id:7 stat:DELIVRD", None),
        ("id: stat:DELIVRD", None),
        ("id:7 stat:", None),
        ("id:7", None),
        ("stat:DELIVRD", None),
        ("Your parcel is on its way, id:7", None),
        ("", None),
        ("\0", None),
    ],
)  # fmt: skip
def test_keys_may_stand_in_any_order_and_only_two_are_needed(text: str, expected: Receipt | None) -> None:
    assert receipts.read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "id:7 submit date: done date:2611201431 stat:DELIVRD",
            Receipt("7", "DELIVRD", done="2611201431"),
            id="submit date",
        ),
        pytest.param("id:7 sub: dlvrd:001 stat:DELIVRD", Receipt("7", "DELIVRD", dlvrd=1), id="sub"),
        pytest.param("id:7 done date: stat:DELIVRD", Receipt("7", "DELIVRD"), id="done date"),
        pytest.param("id:7 err: stat:DELIVRD", Receipt("7", "DELIVRD"), id="err"),
        pytest.param("id:7 stat:DELIVRD err:", Receipt("7", "DELIVRD"), id="at the end"),
    ],
)
def test_an_empty_value_takes_nothing_from_the_next_key(text: str, expected: Receipt) -> None:
    found = receipts.read(text)
    assert found is not None
    assert found._replace(submitted=found.submitted or None, done=found.done or None) == expected


@pytest.mark.parametrize("key", ["text:", "Text:"])
def test_the_text_begins_with_its_first_letter_in_every_form(key: str) -> None:
    usual = "id:7 sub:001 dlvrd:001 submit date:2611201430 done date:2611201431 stat:DELIVRD err:000"
    found = [receipts.read(f"{start} {key}  Hello") for start in (usual, "id:7 stat:DELIVRD")]
    assert [receipt and receipt.text for receipt in found] == ["Hello", "Hello"]


USUAL: Final = "sub:001 dlvrd:001 submit date:2611201430 done date:2611201431 stat:DELIVRD err:000"


@pytest.mark.parametrize(
    ("text", "carrier_id", "words"),
    [
        (f"id:7 {USUAL}", "7", None),
        (f"id:8 {USUAL} text:", "8", ""),
        (f"id:9 {USUAL} text: One text: two", "9", "One text: two"),
        (f"id:9 {USUAL} Text:\tOne\nTwo Text: three", "9", "One\nTwo Text: three"),
        (f"id:\t7 {USUAL}", "7", None),
        (f"id: 7 {USUAL}", "7", None),
        (f"id:7\t{USUAL}", "7", None),
        (f" id:7 {USUAL}", "7", None),
        (f"id:id:7 {USUAL}", "id:7", None),
    ],
)
def test_receipts_that_differ_by_id_and_text_are_each_their_own(text: str, carrier_id: str, words: str | None) -> None:
    assert receipts.read(text) == Receipt(carrier_id, "DELIVRD", "000", "2611201430", "2611201431", 1, 1, words)


def test_a_receipt_in_the_usual_form_without_an_id_is_none() -> None:
    assert receipts.read(f"id: {USUAL}") is None
    assert receipts.read(f"id: {USUAL}", {Tag.RECEIPTED_MESSAGE_ID: b"7"}) == receipts.read(f"id:7 {USUAL}")


# -- the parameters


@pytest.mark.parametrize(
    ("text", "carrier_id", "state", "expected"),
    [
        ("", b"55\0", b"\2", Receipt("55", "DELIVRD")),
        ("", b"55", b"\2", Receipt("55", "DELIVRD")),  # without its NUL
        ("", b"55\0", None, None),
        ("", None, b"\2", None),
        ("", b"\0", b"\2", None),
        ("", b"55\0", b"", None),
        ("", b"55\0", b"\x63", None),  # no state of the standard
        ("Hello", b"55\0", b"\5", Receipt("55", "UNDELIV")),
        ("id:7 stat:ENROUTE err:3", b"55\0", b"\2", Receipt("55", "DELIVRD", "3")),
        ("id:7 stat:ENROUTE err:3", b"55\0", None, Receipt("55", "ENROUTE", "3")),
        ("id:7 stat:ENROUTE err:3", None, b"\2", Receipt("7", "DELIVRD", "3")),
        ("id:7 stat:ENROUTE err:3", b"\0", b"", Receipt("7", "ENROUTE", "3")),
        ("id:7 stat:ENROUTE err:3", b"7\0", b"\1", Receipt("7", "ENROUTE", "3")),
        ("id:7 stat:MAGIC", None, b"\x63", Receipt("7", "MAGIC")),
        ("id:7 stat:MAGIC", None, b"\0\2", Receipt("7", "DELIVRD")),  # a number of two octets
    ],
)
def test_parameters_win_over_the_text(
    text: str, carrier_id: bytes | None, state: bytes | None, expected: Receipt | None
) -> None:
    given_tlvs = {Tag.RECEIPTED_MESSAGE_ID: carrier_id, Tag.MESSAGE_STATE: state, 0x1400: b"vendor"}
    assert receipts.read(text, {tag: octets for tag, octets in given_tlvs.items() if octets is not None}) == expected


@pytest.mark.parametrize(
    ("text", "tlvs"),
    [("id:7 err:000 text:", {Tag.MESSAGE_STATE: b"\2"}), ("stat:DELIVRD err:000", {Tag.RECEIPTED_MESSAGE_ID: b"7\0"})],
    ids=["state in the parameters", "id in the parameters"],
)
def test_id_and_state_may_come_from_different_places(text: str, tlvs: dict[int, bytes]) -> None:
    found = receipts.read(text, tlvs)
    assert found is not None
    assert (found.id, found.stat, found.err) == ("7", "DELIVRD", "000")


# -- our own


@given(
    IDS,
    st.sampled_from(sorted(NUMBERS)),
    DATES,
    DATES,
    st.text(max_size=40),
    st.sampled_from(["000", "21b", "5"]),
    st.integers(1, 999),
)
def test_what_is_written_is_read_back(
    carrier_id: str, stat: str, submitted: datetime, done: datetime, text: str, err: str, parts: int
) -> None:
    written = receipts.write(carrier_id, stat, submitted=submitted, done=done, err=err, text=text, parts=parts)
    found = receipts.read(written)
    assert found is not None
    assert (found.id, found.stat, found.err) == (carrier_id, stat, err)
    assert (receipts.date(found.submitted), receipts.date(found.done)) == (submitted, done)
    assert (found.sub, found.dlvrd) == (parts, parts if stat == "DELIVRD" else 0)
    assert (found.text or "").strip() == text[:20].rstrip("\0\r\n \t").strip()


def test_what_is_written_is_the_form_of_appendix_b() -> None:
    at = datetime(2026, 11, 20, 14, 30, 59)
    assert receipts.write("0123456789", "DELIVRD", submitted=at, done=at, text="Hello world, and all that follows") == (
        "id:0123456789 sub:001 dlvrd:001 submit date:2611201430 done date:2611201430 stat:DELIVRD err:000 "
        "text:Hello world, and all"
    )


@given(IDS, st.sampled_from(sorted(NUMBERS)))
def test_our_parameters_say_the_same_as_the_text(carrier_id: str, stat: str) -> None:
    assert receipts.read("", receipts.tlvs(carrier_id, stat)) == Receipt(carrier_id, stat)


def test_our_parameters_are_those_of_the_standard() -> None:
    assert receipts.tlvs("7", "UNDELIV", (3, 0x0102)) == {
        Tag.RECEIPTED_MESSAGE_ID: b"7\0",
        Tag.MESSAGE_STATE: b"\5",
        Tag.NETWORK_ERROR_CODE: b"\3\1\2",
    }
    assert receipts.tlvs("7", "MAGIC") == {Tag.RECEIPTED_MESSAGE_ID: b"7\0", Tag.MESSAGE_STATE: b"\7"}  # UNKNOWN


def test_states_and_words_are_one_to_one() -> None:
    assert {number: word for word, number in NUMBERS.items()} == STATES
    assert sorted(STATES) == list(range(10))


# -- anything


@given(
    st.text() | st.lists(PIECES, max_size=30).map("".join), st.dictionaries(st.sampled_from([0x1E, 0x427]), st.binary())
)
def test_no_text_raises(text: str, given_tlvs: dict[int, bytes]) -> None:
    found = receipts.read(text, given_tlvs)
    if found is not None:
        assert found.id
        assert found.stat
        for date in (found.submitted, found.done):
            assert receipts.date(date) is None or date


@given(st.text() | st.text("0123456789+-", max_size=20))
def test_no_date_raises(text: str) -> None:
    receipts.date(text)
