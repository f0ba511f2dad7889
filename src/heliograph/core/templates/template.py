"""A template: a text for each locale, some of them different in a country, and the variables that they take."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.segments import normalise as composed
from heliograph.core.templates.locales import nearest
from heliograph.core.templates.locales import normalise as locale_of
from heliograph.core.templates.text import BadTemplate, BadValue, MissingVariable, Placeholder, Text, compile_text
from heliograph.core.templates.variables import FILTERS, TEXT, Variable

_Texts = dict[str, Annotated[str, Meta(min_length=1, max_length=2_000)]]
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
_Variable = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,49}$")]
TEXTS_MAX: Final = 200
LENGTH_MAX: Final = 3_000  # what one text may take with its longest values; about 20 parts
NAME: Final = r"^[a-z0-9][a-z0-9_.-]{0,63}$"


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template as it is declared, under `[templates.NAME]`."""

    texts: Annotated[_Texts, Meta(min_length=1, max_length=100)]
    kind: Literal["otp", "transactional", "support", "promotional"] = "transactional"
    default_locale: str = "en"
    variables: Annotated[dict[_Variable, Variable], Meta(max_length=20)] = {}
    countries: Annotated[dict[_Country, _Texts], Meta(max_length=50)] = {}  # what is different there
    topic: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")] | None = None
    owner: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=1_000)] = ""
    max_segments: Annotated[int, Meta(ge=1, le=255)] | None = None  # the worst case may take; None: that of the kind
    review_by: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a text stands in its template; country "": in all that have none of their own."""

    locale: str
    country: str = ""

    @property
    def pointer(self) -> str:
        return f"/countries/{self.country}/{self.locale}" if self.country else f"/texts/{self.locale}"


class Template(msgspec.Struct, frozen=True):
    """A template that was read, ready for rendering."""

    spec: Spec
    texts: Mapping[Place, Text]
    locales: frozenset[str]

    def place(self, locale: str | None, country: str) -> Place:
        """Whose text is taken: first the nearest locale, then what is particular to the country."""
        found = nearest(locale, self.locales, self.spec.default_locale)
        there = Place(found, country)
        return there if there in self.texts else Place(found)

    def render(self, place: Place, values: Mapping[str, str]) -> str | list[Refusal]:
        """The text with these values, or what is wrong with them."""
        text = self.texts[place]
        given = {name: composed(value) for name, value in values.items()}
        if refusals := [refusal for name, value in given.items() if (refusal := self._wrong(text, name, value))]:
            return refusals
        try:
            return text.render(given)
        except MissingVariable as missing:
            detail = f"there is no value for {missing.name}, such as {self.spec.variables[missing.name].example!r}"
            return [Refusal("missing_variable", detail, f"/variables/{missing.name}")]
        except BadValue as bad:
            return [Refusal("bad_variable", str(bad), f"/variables/{bad.name}")]

    def _wrong(self, text: Text, name: str, value: str) -> Refusal | None:
        """What is wrong with a value; of what this text does not use only whether there is such a variable."""
        variable = self.spec.variables.get(name)
        if variable is None:
            return _unknown(name, self.spec.variables)
        if name in text.variables and (value or not _has_fallback(text, name)) and (why := variable.wrong(value)):
            return Refusal("bad_variable", f"{name} {why}", f"/variables/{name}")
        return None

    def source(self, place: Place) -> str:
        """The text as it was written."""
        texts = self.spec.countries[place.country] if place.country else self.spec.texts
        return composed(texts[place.locale])

    @property
    def examples(self) -> dict[str, str]:
        return {name: composed(variable.example) for name, variable in self.spec.variables.items()}


@lru_cache(maxsize=10_000)
def read(spec: str) -> Template:
    """A template from its JSON, which was checked when it was declared; read once for all snapshots."""
    form = msgspec.json.decode(spec, type=Spec)
    texts = {place: compile_text(composed(source), place.locale) for place, source in sources(form)}
    return Template(form, texts, frozenset(place.locale for place in texts if not place.country))


def sources(form: Spec) -> Iterator[tuple[Place, str]]:
    """Every text with its place."""
    yield from ((Place(locale), source) for locale, source in form.texts.items())
    for country, texts in form.countries.items():
        yield from ((Place(locale, country), source) for locale, source in texts.items())


def wrong(form: Spec) -> list[Refusal]:
    """What the types of a spec can't say; pointers are within the template."""
    found = [*_wrong_locales(form)]
    if sum(1 for _ in sources(form)) > TEXTS_MAX:
        found.append(Refusal("bad_template", f"a template has at most {TEXTS_MAX} texts, with those of countries"))
    used: set[str] = set()
    for place, source in sources(form):
        try:
            text = compile_text(composed(source), place.locale)
        except BadTemplate as bad:
            found.append(Refusal("bad_template", f"{bad.detail} (character {bad.position})", place.pointer))
            continue
        used |= text.variables
        found += [
            Refusal("bad_template", why, place.pointer)
            for part in text.parts
            if isinstance(part, Placeholder) and (why := _unfit(part, form.variables))
        ]
        if (length := _length(text, form.variables)) > LENGTH_MAX:
            detail = (
                f"this text may take {length} characters with its longest values; at most {LENGTH_MAX} are possible"
            )
            found.append(Refusal("bad_template", detail, place.pointer))
    for name, variable in form.variables.items():
        if why := variable.wrong(composed(variable.example)):
            found.append(Refusal("bad_variable", f"the example {why}", f"/variables/{name}/example"))
        elif not found and name not in used:
            found.append(Refusal("bad_template", f"no text uses {name}; leave it out", f"/variables/{name}"))
    return found


def _wrong_locales(form: Spec) -> Iterator[Refusal]:
    for place, _ in sources(form):
        if locale_of(place.locale) != place.locale:
            hint = locale_of(place.locale)
            detail = f"{place.locale[:40]!r} is not a locale; write it like {hint or 'pt-BR'}"
            yield Refusal("bad_locale", detail, place.pointer)
        elif place.country and place.locale not in form.texts:
            detail = f"texts has no {place.locale}, for which this one stands in {place.country}"
            yield Refusal("bad_locale", detail, place.pointer)
    if form.default_locale not in form.texts:
        detail = f"there is no text for the default locale {form.default_locale[:40]!r}"
        yield Refusal("bad_locale", detail, "/default_locale")


def _unfit(placeholder: Placeholder, variables: Mapping[str, Variable]) -> str | None:
    """Why a placeholder can't work with the variable that it names."""
    variable = variables.get(placeholder.name)
    if variable is None:
        return f"{placeholder.name} is not declared under variables"
    names = [name for name, _ in placeholder.filters]
    allowed = FILTERS.get(variable.type, {"upper", "lower", "truncate"})
    if foreign := [name for name in names if name not in allowed]:
        return f"{foreign[0]} does not fit {placeholder.name}, which is a {variable.type}"
    if variable.type != TEXT and len(names) > 1:
        return f"{placeholder.name} is a {variable.type}, which takes one filter at most"
    return None


def _length(text: Text, variables: Mapping[str, Variable]) -> int:
    """What a text takes with the longest values, about."""
    return sum(
        len(part) if isinstance(part, str) else variables[part.name].longest
        for part in text.parts
        if isinstance(part, str) or part.name in variables
    )


def _has_fallback(text: Text, name: str) -> bool:
    """Does the text know what to say without this value, wherever it stands?"""
    return all(part.fallback is not None for part in text.parts if isinstance(part, Placeholder) and part.name == name)


def _unknown(name: str, variables: Mapping[str, Variable]) -> Refusal:
    known = ", ".join(variables) or "none"
    return Refusal("unknown_variable", f"there is no variable {name[:50]!r}; there are: {known}", f"/variables/{name}")
