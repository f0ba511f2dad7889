"""What a template's texts take: counted for the worst values that its variables allow, and never more than said."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.segments import UCS2, measure
from heliograph.core.templates import Place, Spec, Template, read, sizes, wrong
from heliograph.core.templates.sizes import _Extent, _filled, _State, _step


def template(texts: str | dict[str, str], **more: Any) -> Template:
    spec = {"texts": {"en": texts} if isinstance(texts, str) else texts, **more}
    form = msgspec.convert(spec, Spec)
    assert wrong(form) == []
    return read(msgspec.json.encode(form).decode())


NAME = {"name": {"example": "Maria", "max_length": 20}}
ANY_NAME = {"name": {"example": "Maria", "max_length": 20, "alphabet": "any"}}
POLISH = "Zamowienie dla {{name}} jest w drodze. " + "a" * 115  # 146 septets beside the name
BOLD = "Zamówienie dla {{name}} już czeka. " + "a" * 25


def test_a_name_longer_than_fourteen_letters_makes_it_two_parts_in_polish() -> None:
    found = sizes(template({"en": "Hi {{name}}", "pl": POLISH}, variables=NAME), Place("pl"))
    assert (found.minimal, found.typical, found.maximal) == (1, 1, 2)
    assert [limit.says for limit in found.limits] == ["a name longer than 14 characters makes it two parts"]


def test_a_character_that_only_the_text_has_is_told_with_its_place() -> None:
    found = sizes(template({"en": "Hi {{name}}", "pl": BOLD}, variables=NAME), Place("pl"))
    assert (found.encoding, found.worst_encoding) == ("ucs2", "ucs2")
    assert [(f.character, BOLD[f.position]) for f in found.forced_by_template] == [("ó", "ó"), ("ż", "ż")]
    assert found.forced_by_variables == []


def test_a_variable_that_may_force_ucs2_is_named() -> None:
    found = sizes(template("Dear {{name}}, " + "a" * 100, variables=ANY_NAME), Place("en"))
    assert (found.typical, found.maximal, found.worst_encoding) == (1, 2, "ucs2")
    assert found.forced_by_template == []
    assert found.forced_by_variables == ["name"]
    assert "such as ł, makes it two parts" in found.limits[-1].says


@pytest.mark.parametrize(
    ("text", "variable", "maximal"),
    [
        ("a" * 140 + "{{v}}", {"example": "x", "max_length": 20}, 1),
        ("a" * 141 + "{{v}}", {"example": "x", "max_length": 20}, 2),
        ("a" * 146 + "{{v|truncate:14}}", {"example": "x", "max_length": 14}, 1),
        ("a" * 149 + "{{v|number}}", {"example": "1", "type": "number", "max_length": 9}, 1),
        ("a" * 150 + "{{v|number}}", {"example": "1", "type": "number", "max_length": 9}, 2),
        ("a" * 151 + "{{v|date}}", {"example": "2026-11-20", "type": "date"}, 2),
        ("a" * 150 + "{{v|date}}", {"example": "2026-11-20", "type": "date"}, 1),
        ("a" * 150 + "{{v|an old friend}}", {"example": "x", "max_length": 2}, 2),
        # 153 hold 76 doubled characters: each part wastes one septet
        ("{{v}}", {"example": "x", "max_length": 305}, 2),
        ("{{v}}", {"example": "x", "max_length": 306}, 3),
    ],
)
def test_the_worst_case_is_counted_to_the_septet(text: str, variable: dict[str, Any], maximal: int) -> None:
    assert sizes(template(text, variables={"v": variable}), Place("en")).maximal == maximal


_gsm = st.text(st.sampled_from("aZ 9éà€[~{}|Ω"), max_size=120)
_wide = st.text(st.sampled_from("aZé€łż中😀"), max_size=70)
_variables = st.fixed_dictionaries(
    {"example": st.just("x"), "max_length": st.integers(1, 90), "alphabet": st.sampled_from(["gsm7", "any"])}
)
_filters = st.sampled_from(["", "|upper", "|lower", "|truncate:9", "|upper|truncate:30", "|€€", "|truncate:20|łł"])


@given(st.lists(st.tuples(_gsm | _wide, _filters, _variables), min_size=1, max_size=3), st.data())
def test_no_values_take_more_than_the_worst_case(parts: Any, data: st.DataObject) -> None:
    source, variables = "", {}
    for number, (literal, filters, variable) in enumerate(parts):
        source += literal.replace("{", "(").replace("}", ")") + f"{{{{v{number}{filters}}}}}"
        variables[f"v{number}"] = variable
    made = template(source, variables=variables)
    values = {}
    for name, variable in made.spec.variables.items():
        alphabet = "aß€à~9" + ("ł中😀👨\u200d👩" if variable.may_be_foreign else "")
        value = data.draw(st.text(st.sampled_from(alphabet), max_size=variable.longest))
        while variable.wrong(value) and value:
            value = value[:-1] if len(value) > 1 else ""
        values[name] = value or "a"
    text = made.render(Place("en"), values)
    assert isinstance(text, str), text
    found = sizes(made, Place("en"))
    assert measure(text)[1] <= found.maximal
    if found.worst_encoding != UCS2:
        assert measure(text)[0] != UCS2


@given(st.integers(1, 12), st.integers(0, 40), st.integers(1, 5), st.integers(6, 12))
def test_the_short_way_to_the_worst_value_finds_what_trying_all_of_them_finds(
    fill: int, units: int, character: int, room: int
) -> None:
    state, extent = _State(1, min(fill, room)), _Extent(units, character)
    best = [state]
    for length in range(1, units + 1):
        best.append(max(_step(best[length - size], size, room) for size in range(1, min(character, length) + 1)))
    assert _filled(state, extent, room) == best[-1]


@pytest.mark.parametrize(
    ("spec", "code", "pointer"),
    [
        ({"texts": {"en": "Hi {{name}}"}}, "bad_template", "/texts/en"),
        ({"texts": {"en": "Hi {{name"}}, "bad_template", "/texts/en"),
        ({"texts": {"pl": "Hi"}}, "bad_locale", "/default_locale"),
        ({"texts": {"en": "Hi", "english": "Hi"}}, "bad_locale", "/texts/english"),
        ({"texts": {"en": "Hi", "pt_br": "Oi"}}, "bad_locale", "/texts/pt_br"),
        ({"texts": {"en": "Hi"}, "countries": {"US": {"es": "Hola"}}}, "bad_locale", "/countries/US/es"),
        ({"texts": {"en": "{{name}}" * 100}, "variables": {"name": {"example": "x"}}}, "bad_template", "/texts/en"),
        ({"texts": {"en": "Hi"}, "variables": NAME}, "bad_template", "/variables/name"),
        (
            {"texts": {"en": "{{n}}"}, "variables": {"n": {"example": "x", "type": "number"}}},
            "bad_variable",
            "/variables/n/example",
        ),
        ({"texts": {"en": "{{n|date}}"}, "variables": {"n": {"example": "x"}}}, "bad_template", "/texts/en"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(spec: dict[str, Any], code: str, pointer: str) -> None:
    assert [(r.code, r.pointer) for r in wrong(msgspec.convert(spec, Spec))] == [(code, pointer)]


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        ({"type": "text", "example": "x"}, ["Zoé", "a b"], ["", "a\nb", "łódź", "a`b", "{{x}}", "a" * 51]),
        (
            {"type": "text", "alphabet": "any", "example": "x"},
            ["łódź", "中", "👨‍👩‍👧‍👦"],
            ["\u0301a", "e" + "\u0301\u0302" * 20],
        ),
        ({"type": "number", "example": "1"}, ["-12.5", "0"], ["1,5", "1e9", "١"]),
        ({"type": "money", "example": "1 EUR"}, ["12.50 EUR"], ["12.50", "EUR 12"]),
        ({"type": "date", "example": "2026-11-20"}, ["2024-02-29"], ["2026-02-29", "20.11.2026"]),
        (
            {"type": "url", "example": "https://a.example"},
            ["https://a.example/~b?c=d"],
            ["a.example", "javascript:x", "https://a b"],
        ),
        ({"type": "code", "example": "A1"}, ["AB-17"], ["AB 17", "Ä1"]),
    ],
)
def test_a_value_must_be_of_its_variables_type(variable: dict[str, Any], good: list[str], bad: list[str]) -> None:
    made = template("{{v}}", variables={"v": variable})
    assert all(isinstance(made.render(Place("en"), {"v": value}), str) for value in good)
    for value in bad:
        refusals = made.render(Place("en"), {"v": value})
        assert isinstance(refusals, list) and refusals[0].pointer == "/variables/v", value


def test_a_country_has_a_text_of_its_own_within_the_locale() -> None:
    made = template(
        {"en": "Hi", "pt": "Oi", "pt-BR": "Oi!"}, countries={"US": {"en": "Hi. Reply STOP to end"}}, variables={}
    )
    assert made.place("en-US", "US") == Place("en", "US")
    assert made.place("pt-PT", "US") == Place("pt")
    assert made.place("pt-BR", "BR") == Place("pt-BR")
    assert made.place(None, "GB") == Place("en")
