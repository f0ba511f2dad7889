"""Templates as texts: what they render to, what is refused, and that nothing in them can run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.templates import BadTemplate, BadValue, MissingVariable, compile_text, nearest, normalise

VALUES = {"name": "Zoë", "order": "ab-17", "total": "1234567.50 EUR", "day": "2026-11-05", "empty": ""}


@pytest.mark.parametrize(
    ("source", "locale", "text"),
    [
        ("no placeholder, {one} brace", "", "no placeholder, {one} brace"),
        ("Hello {{name}}!", "", "Hello Zoë!"),
        ("{{ name }}{{name}}", "", "ZoëZoë"),
        ("Hello {{nobody|there}}", "", "Hello there"),
        ("Hello {{empty|there}}", "", "Hello there"),
        ("Hello {{empty}}.", "", "Hello ."),
        ("{{nobody|}}.", "", "."),
        ('{{nobody|"upper"}}', "", "upper"),
        ('{{nobody|" a "}}', "", " a "),
        ("{{order|upper}}", "", "AB-17"),
        ("{{order|upper|truncate:2}}", "", "AB"),
        ("{{order|truncate:3|upper|x}}", "", "AB-"),
        ("{{total|number}}", "en", "1,234,567.50 EUR"),
        ("{{total|number}}", "de-DE", "1.234.567,50 EUR"),
        ("{{total|number}}", "de-CH", "1'234'567.50 EUR"),
        ("{{total|number}}", "pl", "1 234 567,50 EUR"),
        ("{{total|number}}", "", "1234567.50 EUR"),
        ("{{day|date}}", "en-US", "11/05/2026"),
        ("{{day|date}}", "en-GB", "05/11/2026"),
        ("{{day|date}}", "de", "05.11.2026"),
        ("{{day|date}}", "sv", "2026-11-05"),
    ],
)
def test_a_text_is_rendered_with_its_values(source: str, locale: str, text: str) -> None:
    assert compile_text(source, locale).render(VALUES) == text


@pytest.mark.parametrize(
    ("source", "position", "word"),
    [
        ("Hello {{name", 6, "close"),
        ("Hello name}}", 10, "closes nothing"),
        ("{{}}", 2, "name of a variable"),
        ("{{name.first}}", 2, "name of a variable"),
        ("{{__class__}}", 2, "name of a variable"),
        ("{{name()}}", 2, "name of a variable"),
        ("{{#each}}", 2, "name of a variable"),
        ("{{name|truncate}}", 7, "length"),
        ("{{name|truncate:0}}", 7, "from 1"),
        ("{{name|truncate:x}}", 7, "length"),
        ("{{name|upper:3}}", 7, "nothing"),
        ("{{name|truncat:3}}", 7, "no filter"),
        ("{{name|there|upper}}", 13, "last"),
        ("{{{name}}}", 2, "braces"),
        ("{{a}}" * 101, 500, "at most 100"),
    ],
)
def test_a_text_that_is_no_template_is_refused_where_it_is_wrong(source: str, position: int, word: str) -> None:
    with pytest.raises(BadTemplate, match=re.escape(word)) as refused:
        compile_text(source)
    assert refused.value.position == position


def test_a_missing_value_is_named() -> None:
    text = compile_text("{{name}} {{other}}")
    assert text.variables == {"name", "other"}
    with pytest.raises(MissingVariable) as missing:
        text.render({"name": "Ann"})
    assert missing.value.name == "other"


@pytest.mark.parametrize(
    ("source", "value"), [("{{x|number}}", "many"), ("{{x|date}}", "2026-02-30"), ("{{x}}", "a" * 10_001)]
)
def test_a_value_that_cannot_be_written_is_refused_by_its_name(source: str, value: str) -> None:
    with pytest.raises(BadValue) as bad:
        compile_text(source).render({"x": value})
    assert bad.value.name == "x"


@given(st.text(max_size=300), st.text(max_size=50))
def test_whatever_is_written_either_reads_or_is_refused_and_stays_within_its_bounds(source: str, value: str) -> None:
    try:
        text = compile_text(source)
    except BadTemplate as refused:
        assert 0 <= refused.position <= len(source)
        return
    try:
        rendered = text.render(dict.fromkeys(text.variables, value))
    except BadValue:
        return
    assert len(rendered) <= len(source) + 3 * len(text.parts) * len(value)


_pieces = st.lists(
    st.sampled_from(
        ["{{", "}}", "{", "}", "|", "a", "upper", "truncate:", "9", "number", "date", '"', ":", " ", "__", "."]
    ),
    max_size=40,
).map("".join)


@given(_pieces, _pieces)
def test_nothing_that_a_value_says_is_read_as_a_template(source: str, value: str) -> None:
    try:
        text = compile_text("<" + source + ">{{v}}")
    except BadTemplate:
        return
    values = {**dict.fromkeys(text.variables, "1"), "v": value}
    try:
        assert text.render(values).endswith(value)
    except BadValue:
        assert "|" in source


@given(st.text(max_size=200), st.integers(1, 60))
def test_what_is_truncated_is_a_beginning_and_no_longer_than_said(value: str, length: int) -> None:
    rendered = compile_text(f"{{{{v|truncate:{length}}}}}").render({"v": value})
    assert len(rendered) <= length
    assert value.startswith(rendered)


def test_the_longest_text_takes_no_more_than_its_length() -> None:
    text = compile_text("{{a|upper}}" * 100)
    assert len(text.render({"a": "x" * 10_000})) == 1_000_000
    with pytest.raises(BadTemplate):
        compile_text("{{" * 6_000)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("pt-BR", "pt-BR"), ("pt-PT", "pt"), ("pt", "pt"), ("zh-Hant-TW", "zh-Hant"), ("fr", "en"), (None, "en")],
)
def test_a_wider_locale_stands_in_for_a_missing_one(wanted: str | None, found: str) -> None:
    assert nearest(wanted, {"pt-BR", "pt", "zh-Hant", "en"}, "en") == found


@pytest.mark.parametrize(
    ("written", "locale"),
    [
        ("pt_br", "pt-BR"),
        ("EN", "en"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("english", None),
        ("", None),
    ],
)
def test_a_locale_is_written_in_one_way(written: str, locale: str | None) -> None:
    assert normalise(written) == locale
