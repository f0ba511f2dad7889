"""Codes, texts and policy of verifications."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.segments import measure
from heliograph.core.verify import codes, texts
from heliograph.core.verify.policy import VerifyPolicy

LONGEST_BRAND = "MaximilianundSoehneX"  # 20 letters
HASH = "FA+9qCX9VSu"
VARIANTS = {
    "plain": {},
    "origin": {"origin": "example.com"},
    "app hash": {"app_hash": HASH},
    "origin and app hash": {"origin": "example.com", "app_hash": HASH},
}
# A long host leaves no room beside the letters of these; their texts take a second part then.
LONG_HOST = "account.example-company.co.uk"
TOO_LONG_WITH_LONG_HOST = "ar bg bn cs fa ga he hi hu ja ko ru sk sr th uk vi zh-Hans zh-Hant"


@given(st.integers(codes.SHORTEST, codes.LONGEST), st.sampled_from(sorted(codes.ALPHABETS)), st.randoms())
def test_a_code_has_its_length_and_alphabet_and_is_read_as_it_is(length: int, alphabet: str, chance) -> None:  # type: ignore[no-untyped-def]
    code = codes.make(length, alphabet, chance.randbytes)
    assert len(code) == length and set(code) <= set(codes.ALPHABETS[alphabet])
    assert codes.normalise(code) == code == codes.normalise(code.lower())


def test_bytes_that_would_favour_some_characters_are_thrown_away() -> None:
    given_bytes = iter([bytes([255, 254, 253, 252, 251, 250, 1, 2]), bytes([3, 4, 5, 6, 7, 8, 9, 0])])
    assert codes.make(4, codes.NUMERIC, lambda count: next(given_bytes)) == "1234"


def test_every_digit_is_equally_likely() -> None:
    """With every byte once, each digit comes up as often as any other."""
    all_bytes = bytes(range(256))
    code = codes.make(250, codes.NUMERIC, lambda count: all_bytes * 2)
    assert {digit: code.count(digit) for digit in "0123456789"} == dict.fromkeys("0123456789", 25)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("\u200f١٢٣٤٥٦", "123456"),
        ("１２３４５６", "123456"),
        ("a7k9 2x", "A7K92X"),
        ("A7K92X.", "A7K92X"),
        ("l23", "123"),
        ("O", "0"),
        ("", ""),
        ("1" * 1_000, "1" * 64),
    ],
)
def test_what_people_type_is_read_as_the_code_that_they_mean(typed: str, code: str) -> None:
    assert codes.normalise(typed) == code


@given(st.text())
def test_reading_never_fails_and_reading_twice_changes_nothing(typed: str) -> None:
    once = codes.normalise(typed)
    assert codes.normalise(once) == once


def test_there_are_texts_in_thirty_languages_and_more() -> None:
    assert len(texts.languages()) >= 30
    for words in texts.languages().values():
        assert words.usual.startswith("{code}") and words.short.startswith("{code}")  # so that previews show it
        assert "{brand}" in words.usual and "{brand}" in words.short


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("locale", texts.languages())
def test_every_text_is_one_part(locale: str, variant: str) -> None:
    marks = VARIANTS[variant]
    found = texts.write("12345678", LONGEST_BRAND, 10, locale, **marks)
    assert found.locale == locale and measure(found.text)[1] == 1
    if not marks:
        assert found.text == texts.languages()[locale].usual.format(code="12345678", brand=LONGEST_BRAND, minutes=10)
    if "origin" in marks:
        assert found.text.endswith("\n@example.com #12345678")
    if "app_hash" in marks:
        assert HASH in found.text.split("\n")
        assert len(found.text.encode()) <= 140 or measure(found.text)[0] == "ucs2"  # what Android takes


def test_with_a_long_host_some_languages_take_a_second_part() -> None:
    long = {
        locale
        for locale in texts.languages()
        if measure(texts.write("12345678", LONGEST_BRAND, 10, locale, origin=LONG_HOST, app_hash=HASH).text)[1] > 1
    }
    assert long == set(TOO_LONG_WITH_LONG_HOST.split())


@pytest.mark.parametrize(
    ("locale", "found"),
    [
        *((None, "en"), ("", "en"), ("xx", "en"), ("de-AT", "de"), ("pt_BR", "pt-BR"), ("PT-br", "pt-BR")),
        *(("pt-AO", "pt"), ("zh-Hant-TW", "zh-Hant"), ("zh", "en"), ("no such thing", "en")),
    ],
)
def test_the_nearest_language_is_taken(locale: str | None, found: str) -> None:
    assert texts.language(locale) == found


def test_the_last_lines_are_for_machines() -> None:
    text = texts.write("747723", "Acme", 10, "en", origin="example.com", app_hash=HASH).text
    assert text.split("\n")[1:] == ["", HASH, "@example.com #747723"]


@pytest.mark.parametrize(
    ("host", "good"),
    [
        *(("example.com", True), ("a.b-c.example", True), ("xn--bcher-kva.example", True), ("localhost", False)),
        *(("Example.com", False), ("example.com ", False), ("@example.com", False), ("-a.example", False), ("", False)),
        *(("example.com/path", False), ("a..b", False), ("example.com\n", False), ("1.2.3.4", False)),
    ],
)
def test_an_origin_is_a_host(host: str, good: bool) -> None:
    assert bool(texts.ORIGIN.fullmatch(host)) == good


def test_pauses_grow_and_the_last_one_stays() -> None:
    policy = VerifyPolicy()
    assert [policy.pause_ms(sends) for sends in range(1, 7)] == [30_000, 60_000, 90_000, 120_000, 120_000, 120_000]
    assert policy.wrong() == []
    assert [one.pointer for one in VerifyPolicy(pauses_s=(60, 30)).wrong()] == ["/pauses_s"]


@pytest.mark.parametrize(("price", "is_dear"), [(None, False), ("0.09", False), ("0.1", False), ("0.11", True)])
def test_what_costs_more_than_the_most_is_dear(price: str | None, is_dear: bool) -> None:
    policy = msgspec.structs.replace(VerifyPolicy(), max_price="0.10")
    assert (policy.is_dear(price), VerifyPolicy().is_dear(price)) == (is_dear, False)


# The examples of the draft "Origin-bound one-time codes", section on parsing: what a browser makes of a message.
ORIGIN_BOUND = [
    ("747723 is your code.\n\n@example.com #747723", ("example.com", "747723")),
    ("747723 is your code.\r\n\r\n@example.com #747723", ("example.com", "747723")),
    ("@example.com #747723 @shop.example", ("example.com", "747723")),
    ("@example.com #747723 @shop.example $future", ("example.com", "747723")),
    ("@example.com #747723 trailing", ("example.com", "747723")),
    *((text, None) for text in ("something @example.com #747723", "#747723 @example.com", "@example.com code #747723")),
    *((text, None) for text in ("@example.com  #747723", "@example.com #747723\n", "@ #747723", "@example.com #")),
    ("Your code is 1234", None),
]


def as_a_browser(message: str) -> tuple[str, str] | None:
    """The host and the code of the last line."""
    found = re.match(r"@([^\s]+) #([^\s]+)", re.split(r"\r\n|\n", message)[-1])
    return (found[1], found[2]) if found else None


@pytest.mark.parametrize(("message", "read"), ORIGIN_BOUND)
def test_the_reader_of_these_tests_reads_as_browsers_do(message: str, read: tuple[str, str] | None) -> None:
    assert as_a_browser(message) == read


@pytest.mark.parametrize("locale", texts.languages())
def test_a_browser_finds_host_and_code_in_every_language(locale: str) -> None:
    for app_hash in (None, HASH):
        text = texts.write("A7K92X", LONGEST_BRAND, 10, locale, origin="shop.example.com", app_hash=app_hash).text
        assert as_a_browser(text) == ("shop.example.com", "A7K92X")
