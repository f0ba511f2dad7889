"""Every method of the SDK asks for what there is, in the words that there are, and reads all that is answered."""

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple, Unpack, get_origin, get_type_hints, is_typeddict

import msgspec
import pytest

from heliograph.api import openapi
from heliograph.api.site import ROUTES
from heliograph.sdk.asking import Asks, Lists
from heliograph.sdk.client import AsyncHeliograph, Heliograph
from heliograph.sdk.exchange import Ask
from heliograph.sdk.resources import messages

DOCUMENT = openapi.document(ROUTES)
COMPONENTS: dict[str, Any] = DOCUMENT["components"]["schemas"]
# Other names of fields, for the shapes of quickstarts that people already have: the SDK has one name for each.
ALIASES = {"body", "message", "from", "sender_id"}


class Method(NamedTuple):
    """One method of the client, and a call of it with everything that it takes."""

    name: str
    ask: Ask[Any]
    fields: set[str]  # of its TypedDict


def methods() -> Iterator[Method]:
    client = Heliograph("hg_test_key")
    for noun, resource in vars(client).items():
        for name, found in vars(type(resource)).items():
            if isinstance(found, Asks | Lists):
                yield Method(f"{noun}.{name}", *_ask(found, resource))
    client.close()


def _ask(found: Any, resource: Any) -> tuple[Ask[Any], set[str]]:
    """The question, with a value for each parameter, and each field of the TypedDict."""
    hints = get_type_hints(found._make)
    named: dict[str, Any] = {}
    fields: set[str] = set()
    for name, parameter in inspect.signature(found._make).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            assert get_origin(hints[name]) is Unpack
            [typed] = hints[name].__args__
            assert is_typeddict(typed)
            fields = set(typed.__annotations__)
            named |= dict.fromkeys(fields, "x")
        elif name != "self":
            named[name] = b"x" if hints[name] is bytes else "x"
    return found._make(resource, **named), fields


METHODS = list(methods())
each_method = pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])


def operation(ask: Ask[Any]) -> dict[str, Any]:
    """What the document says of it: `x` stands for whatever is in braces."""
    steps = ask.path.split("/")
    for path, item in DOCUMENT["paths"].items():
        wanted = path.split("/")
        if len(wanted) == len(steps) and all(
            want == step or (want[:1] == "{" and step == "x") for want, step in zip(wanted, steps, strict=True)
        ):
            found: dict[str, Any] | None = item.get(ask.method.lower())
            if found is not None:
                return found
    raise AssertionError(f"there is no {ask.method} {ask.path}")


def resolved(schema: Any, components: dict[str, Any]) -> Any:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def differences(theirs: Any, ours: Any, components: dict[str, Any], at: str) -> Iterator[str]:
    """Where the SDK's type is not what the document says. Any value is any value to either."""
    theirs, ours = resolved(theirs, COMPONENTS), resolved(ours, components)
    if not theirs or not ours or theirs is True:
        return
    theirs_any, ours_any = theirs.get("anyOf", [theirs]), ours.get("anyOf", [ours])
    kinds = [
        {resolved(one, of).get("type") for one in many}
        for many, of in ((theirs_any, COMPONENTS), (ours_any, components))
    ]
    if None in kinds[0]:  # a value of any form
        return
    if kinds[0] != kinds[1]:
        yield f"{at}: {kinds[0]} there, {kinds[1]} here"
        return
    for their, our in zip(_sorted(theirs_any, COMPONENTS), _sorted(ours_any, components), strict=True):
        if their.get("type") == "array":
            yield from differences(their.get("items"), our.get("items"), components, f"{at}[]")
        elif "properties" in their:
            yield from _fields(their, our, components, at)
        elif isinstance(their.get("additionalProperties"), dict):
            yield from differences(
                their["additionalProperties"], our.get("additionalProperties"), components, f"{at}{{}}"
            )


def _fields(their: Any, our: Any, components: dict[str, Any], at: str) -> Iterator[str]:
    there, here = their["properties"], our.get("properties", {})
    if at.endswith("$") and here.keys() == {"data", "next_cursor"}:  # one type for all lists
        there = {"next_cursor": here["next_cursor"], **there}
    if missing := there.keys() - here.keys():
        yield f"{at} lacks {sorted(missing)}"
    if surplus := here.keys() - there.keys():
        yield f"{at} has {sorted(surplus)}, which is never answered"
    if unsure := set(our.get("required", [])) - set(their.get("required", [])):
        yield f"{at} needs {sorted(unsure)}, which may be left out"
    for name in there.keys() & here.keys():
        yield from differences(there[name], here[name], components, f"{at}.{name}")


def _kinds(schemas: list[Any], components: dict[str, Any]) -> set[Any]:
    return {resolved(one, components).get("type") for one in schemas}


def _sorted(schemas: list[Any], components: dict[str, Any]) -> list[Any]:
    return sorted((resolved(one, components) for one in schemas), key=lambda one: str(one.get("type")))


@each_method
def test_an_answer_is_read_with_all_its_fields(method: Method) -> None:
    found = operation(method.ask)
    goods = [status for status in found["responses"] if status.startswith("2")]
    good = "200" if method.name == "messages.rehearse" else goods[0]
    theirs = found["responses"][good]["content"]["application/json"]["schema"]
    [ours], components = msgspec.json.schema_components([method.ask.answer], ref_template="#/{name}")
    # A message that names a plan is answered with its run, which has a method of its own.
    either = theirs["anyOf"] if all("$ref" in one for one in theirs.get("anyOf", [{}])) else [theirs]
    found_wanting = [list(differences(one, ours, components, "$")) for one in either]
    assert [] in found_wanting, found_wanting


@each_method
def test_a_request_says_what_is_understood_there(method: Method) -> None:
    found, ask = operation(method.ask), method.ask
    known = {parameter["name"] for parameter in found["parameters"] if parameter["in"] == "query"}
    assert set(ask.query) <= known
    if method.fields and ask.body is None:
        assert set(ask.query) == known
    if isinstance(ask.body, bytes):
        assert ask.media_type in found["requestBody"]["content"]
    elif ask.body is not None:
        schema = resolved(found["requestBody"]["content"]["application/json"]["schema"], COMPONENTS)
        body: dict[str, Any] = ask.body  # type: ignore[assignment]
        assert set(body) <= schema["properties"].keys()
        assert set(schema.get("required", [])) <= set(body)
        left_out = schema["properties"].keys() - set(body)
        assert left_out <= (ALIASES | {"dry_run", "plan"} if found["operationId"] == "post_messages" else set())


def test_a_message_of_a_batch_has_the_fields_of_one_alone() -> None:
    fields = (
        set(COMPONENTS["MessageRequest"]["properties"]) - ALIASES - {"dry_run", "plan"}
    )  # `rehearse`, `plans.begin`
    assert set(get_type_hints(messages.NewMessage)) == fields
    assert set(get_type_hints(messages.Defaults)) == fields - {"to"}


def test_keys_that_make_repeating_safe_are_sent_where_they_are_heeded() -> None:
    heeded = {"messages.send", "messages.send_batch", "conversations.reply", "plans.begin"}
    only_asks = {"messages.states", "messages.rehearse"}  # questions in a POST: safe by nature
    assert {method.name for method in METHODS if method.ask.key is not None} == heeded | only_asks


def test_both_clients_have_the_same_nouns() -> None:
    calm, other = Heliograph("hg_test_key"), AsyncHeliograph("hg_test_key")
    assert vars(calm).keys() == vars(other).keys()
    calm.close()
