"""Numbers: the plans answer what the library answers; what people type is read, or refused with a reason."""

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, ValidationResult

from heliograph.core.numbers import BadNumber, Number, aliases, is_test_number, parse, policy, time_zones
from heliograph.core.numbers.plans import TYPES, plan_for

DIGITS = "0123456789"


def by_library(e164: str) -> Number | None:
    """The library's own answer to a text of '+' and digits; None: not possible, or not E.164."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return None
    formatted = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if not 8 <= len(formatted) <= 16:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    kind = TYPES[phonenumbers.number_type(parsed)]
    return Number(formatted, region or main, kind, phonenumbers.is_valid_number(parsed))


TYPE_FIELDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("voip", "personal_number", "pager", "uan", "voicemail"),
)


def examples() -> Iterator[str]:
    """The library's example of each type in each region and each network of no country."""
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        for region in regions:
            metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            descs = [getattr(metadata, field) for field in TYPE_FIELDS]
            yield from (f"+{code}{desc.example_number}" for desc in descs if desc and desc.example_number)


def mutations(number: str, chance: random.Random) -> Iterator[str]:
    """Numbers near this one: another end, one digit changed, lost or added, a zero after the code."""
    yield number
    tail = chance.randint(1, 7)
    for _ in range(6):
        yield number[:-tail] + "".join(chance.choices(DIGITS, k=tail))
    for _ in range(5):
        at = chance.randrange(1, len(number))
        yield number[:at] + chance.choice(DIGITS) + number[at + 1 :]
        yield number[:at] + chance.choice(DIGITS) + number[at:]
    at = chance.randrange(1, len(number))
    yield number[:at] + number[at + 1 :]
    yield number[:3] + "0" + number[3:]


EXAMPLES = tuple(dict.fromkeys(examples()))


def test_every_answer_to_a_plus_and_digits_is_the_librarys() -> None:
    chance = random.Random(2026)
    cases = [case for number in EXAMPLES for case in mutations(number, chance)]
    cases += ["+" + str(chance.randint(10**6, 10**15 - 1)) for _ in range(4_000)]
    assert len(cases) >= 20_000
    for case in cases:
        first, second = parse(case), parse(case)  # the first may still build the plan that the second uses
        assert first == second, case
        assert (first if isinstance(first, Number) else None) == by_library(case), case


@given(st.from_regex(r"\+[1-9][0-9]{5,15}", fullmatch=True))
def test_any_digits_get_the_librarys_answer(text: str) -> None:
    first, second = parse(text), parse(text)
    assert first == second
    assert (first if isinstance(first, Number) else None) == by_library(text)


def test_nearly_every_example_is_read_by_a_plan() -> None:
    planned = [number for number in EXAMPLES if (plan := plan_for(number)) and plan[0](number)]
    assert len(planned) > 0.95 * len(EXAMPLES)


@given(st.text(max_size=60), st.sampled_from((None, "GB", "US", "DE", "xx", "")))
def test_any_text_is_answered_and_a_number_reads_as_itself(text: str, country: str | None) -> None:
    answer = parse(text, country)
    if isinstance(answer, Number):
        assert parse(answer.e164) == answer
    else:
        assert answer.detail


@given(st.text(alphabet="+0123456789 ()-,;x/", max_size=30), st.sampled_from((None, "GB", "IT", "MX")))
def test_a_suggestion_is_a_valid_number(text: str, country: str | None) -> None:
    answer = parse(text, country)
    if isinstance(answer, BadNumber) and answer.suggestion is not None:
        suggested = parse(answer.suggestion)
        assert isinstance(suggested, Number)
        assert suggested.e164 == answer.suggestion
        assert suggested.valid


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+447400123456", None, "+447400123456"),
        (" +44 7400 123456\n", None, "+447400123456"),
        ("+44 (0)7400 123456", None, "+447400123456"),
        ("(+44) 7400-123.456", None, "+447400123456"),
        ("+4407400123456", None, "+447400123456"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+44\u200b7400\u202c123456", None, "+447400123456"),
        ("\u202a+44 7400\u00a0123456\u202c", None, "+447400123456"),
        ("＋４４７４００１２３４５６", None, "+447400123456"),
        ("+٤٤٧٤٠٠١٢٣٤٥٦", None, "+447400123456"),
        ("447400123456", None, "+447400123456"),
        ("447700900123", None, "+447700900123"),
        ("12025550123", None, "+12025550123"),
        ("4740012345", None, "+4740012345"),
        ("07400 123456", "GB", "+447400123456"),
        ("07400 123456", "gb", "+447400123456"),
        ("7400123456", "GB", "+447400123456"),
        ("00447400123456", "GB", "+447400123456"),
        ("011 44 7400 123456", "US", "+447400123456"),
        ("447400123456", "GB", "+447400123456"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("030/23125000", "DE", "+493023125000"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("51234", "FK", "+50051234"),
        ("+447400123456", "US", "+447400123456"),
        ("+447400123456", "no country", "+447400123456"),
        ("+54 11 15 2345 6789", None, "+5491123456789"),
    ],
)
def test_what_people_type_is_read(text: str, country: str | None, e164: str) -> None:
    answer = parse(text, country)
    assert isinstance(answer, Number), answer
    assert answer.e164 == e164


@pytest.mark.parametrize(
    ("text", "country", "code", "suggestion"),
    [
        ("", None, "empty", None),
        (" \u200b()", "GB", "empty", None),
        ("60777", None, "short_code", None),
        ("60777", "GB", "short_code", None),
        ("12345", "DE", "short_code", None),
        ("12", None, "too_short", None),
        ("+1 800 FLOWERS", None, "letters", "+18003569377"),
        ("+44 74O0 l23456", None, "letters", "+447400123456"),
        ("tel:+1-202-555-0123", None, "letters", "+12025550123"),
        ("tel:+1-202-555-0123;ext=5", None, "extension", "+12025550123"),
        ("+1 202 555 0123 x5", None, "extension", "+12025550123"),
        ("+1 202 555 0123,,5", None, "extension", "+12025550123"),
        ("07400 123456 ext. 5", "GB", "extension", "+447400123456"),
        ("+49 30 23125000/1", None, "extension", "+493023125000"),
        ("+447400123456,+447400123457", None, "several_numbers", None),
        ("+447400123456 +447400123457", None, "several_numbers", None),
        ("07400 123456 / 07400 123457", "GB", "several_numbers", None),
        ("++447400123456", None, "bad_characters", None),
        ("44+7400123456", None, "bad_characters", None),
        ("+447400123456¹", None, "bad_characters", None),
        ("+44 7400 ☎", None, "bad_characters", None),
        ("+", None, "bad_characters", None),
        ("07400 123456", None, "not_international", None),
        ("00447400123456", None, "not_international", "+447400123456"),
        ("011447400123456", None, "not_international", "+447400123456"),
        ("2025550123", None, "not_international", "+12025550123"),
        ("6598765432", None, "ambiguous", None),
        ("13812345678", None, "not_international", None),
        ("07400 123456", "UK", "unknown_country", None),
        ("+999123456789", None, "unknown_country_code", None),
        ("+00447400123456", None, "unknown_country_code", "+447400123456"),
        ("+07400123456", "GB", "unknown_country_code", "+447400123456"),
        ("+447400123456789", None, "too_long", None),
        ("+44447400123456", None, "too_long", "+447400123456"),
        ("+45 (0)20123456", None, "too_long", "+4520123456"),
        ("+52 1 55 1234 5678", None, "too_long", "+525512345678"),
        ("447400123456", "US", "too_long", "+447400123456"),
        ("+4930123456789012", None, "too_long", None),
        ("5" * 300, None, "too_long", None),
        ("+44", None, "too_short", None),
        ("+491234", None, "too_short", None),
        ("+1 555 0123", None, "too_short", None),
        ("+225 07020304", None, "too_short", "+2250707020304"),
        ("+225 24390304", None, "too_short", None),
        ("+225 45020304", None, "too_short", "+2250545020304"),
        ("+44 740012345 6 7 8 9 0", None, "too_long", None),
        ("+41 22 222 22 222", None, "invalid_length", None),
        ("+20 12345678901", None, "too_long", None),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(
    text: str, country: str | None, code: str, suggestion: str | None
) -> None:
    answer = parse(text, country)
    assert isinstance(answer, BadNumber), answer
    assert (answer.code, answer.suggestion) == (code, suggestion)


def test_a_refusal_names_the_input_and_never_more_than_its_beginning() -> None:
    answer = parse("+44 74oo 123456")
    assert isinstance(answer, BadNumber)
    assert "'+44 74oo 123456'" in answer.detail
    answer = parse("x" * 5_000)
    assert isinstance(answer, BadNumber)
    assert len(answer.detail) < 200


def read(e164: str) -> Number:
    number = parse(e164)
    assert isinstance(number, Number), number
    return number


@pytest.mark.parametrize(
    ("e164", "country", "kind", "valid"),
    [
        ("+447400123456", "GB", "mobile", True),
        ("+447781123456", "GG", "mobile", True),
        ("+12025550123", "US", "fixed_or_mobile", True),
        ("+14165550123", "CA", "fixed_or_mobile", True),
        ("+18765550123", "JM", "mobile", True),
        ("+77011234567", "KZ", "mobile", True),
        ("+79161234567", "RU", "mobile", True),
        ("+78312345678", "RU", "fixed", True),
        ("+493023125000", "DE", "fixed", True),
        ("+447700900123", "GB", "unknown", False),
        ("+551187654321", "BR", "unknown", False),
        ("+881612345678", "001", "mobile", True),
    ],
)
def test_country_and_type_come_from_the_prefix(e164: str, country: str, kind: str, valid: bool) -> None:
    assert read(e164) == Number(e164, country, kind, valid)
    assert read(e164) == Number(e164, country, kind, valid)


@pytest.mark.parametrize(
    ("e164", "code"),
    [
        ("+447400123456", None),
        ("+493012345678", None),
        ("+18005550123", None),
        ("+551187654321", None),
        ("+448001234567", "type_not_allowed"),
        ("+449012345678", "type_not_allowed"),
        ("+19002345678", "type_not_allowed"),
        ("+447640123456", "type_not_allowed"),
        ("+881612345678", "network_not_allowed"),
        ("+882101234567", "network_not_allowed"),
        ("+449098790123", None),  # premium, but for tests
    ],
)
def test_dear_and_unreachable_numbers_are_not_sent_to(e164: str, code: str | None) -> None:
    refusal = policy(read(e164))
    assert (refusal.code if refusal else None) == code


def test_what_is_barred_by_default_can_be_allowed() -> None:
    assert policy(read("+449012345678"), allowed_types={"premium"}) is None
    assert policy(read("+881612345678"), allow_international_networks=True) is None


@pytest.mark.parametrize(
    ("e164", "code", "suggestion"),
    [
        ("+447400123456", None, None),
        ("+551187654321", "not_valid", "+5511987654321"),
        ("+4512345678", "not_valid", None),
        ("+447700900123", None, None),
    ],
)
def test_strict_takes_valid_and_test_numbers_only(e164: str, code: str | None, suggestion: str | None) -> None:
    refusal = policy(read(e164), strict=True)
    assert (refusal and refusal.code, refusal and refusal.suggestion) == (code, suggestion)


def test_an_argentine_number_without_its_9_is_suggested_as_a_mobile() -> None:
    refusal = policy(read("+541123456789"), allowed_types={"mobile"})
    assert refusal is not None
    assert refusal.suggestion == "+5491123456789"


@pytest.mark.parametrize(
    ("e164", "forms"),
    [
        ("+5491123456789", ("+541123456789",)),
        ("+541123456789", ("+5491123456789",)),
        ("+525512345678", ("+5215512345678",)),
        ("+5215512345678", ("+525512345678",)),
        ("+5511987654321", ("+551187654321",)),
        ("+551187654321", ("+5511987654321",)),
        ("+551123456789", ()),
        ("+447400123456", ()),
    ],
)
def test_historical_forms_of_a_handset_lead_to_each_other(e164: str, forms: tuple[str, ...]) -> None:
    assert aliases(e164) == forms
    assert all(e164 in aliases(form) for form in forms)


@pytest.mark.parametrize(
    "e164",
    [
        "+12025550100", "+12025550199", "+447700900000", "+447700900999", "+442079460123", "+441134960123",
        "+441414960123", "+441632960123", "+448081570123", "+449098790123", "+443069990123", "+61491570156",
        "+61491570110", "+61255501234", "+61870101234", "+611800160401", "+611800975707", "+611900654321",
        "+493023125000", "+496990009999", "+494066969000", "+492214710000", "+498999998000", "+4915228817386",
        "+46701740605", "+46701740699", "+353209101234", "+33639980000", "+33199001234", "+33536491234",
    ],
)  # fmt: skip
def test_ranges_for_fiction_are_test_numbers_and_may_be_sent_to(e164: str) -> None:
    assert is_test_number(e164)
    assert policy(read(e164), strict=True) is None


@pytest.mark.parametrize(
    "e164",
    ["+12025550200", "+12025550099", "+12125551234", "+447700901000", "+447400123456", "+46701740604",
     "+46701740700", "+61491570160", "+33639970000", "+442079450123"],
)  # fmt: skip
def test_their_neighbours_are_not(e164: str) -> None:
    assert not is_test_number(e164)


@pytest.mark.parametrize(
    ("e164", "zone"),
    [
        ("+12025550123", "America/New_York"),
        ("+493023125000", "Europe/Berlin"),
        ("+447400123456", "Europe/London"),
    ],
)
def test_a_number_tells_its_time_zones(e164: str, zone: str) -> None:
    assert zone in time_zones(read(e164))


def test_a_number_of_no_place_says_so() -> None:
    assert time_zones(read("+881612345678")) == ("Etc/Unknown",)
