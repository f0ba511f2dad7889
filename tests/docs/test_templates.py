"""What docs/templates.md shows can be declared as it stands, and does what the page says."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from heliograph.core import templates
from heliograph.core.request import MessageRequest
from heliograph.core.templates.variables import Variable
from heliograph.engine import policies
from heliograph.engine.form import Object, Place, Tools, check
from heliograph.engine.templates.usable import Filled, filled, usable

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()
BLOCKS = [tomllib.loads(block.partition("```")[0]) for block in PAGE.split("```toml\n")[1:]]
TEMPLATES: dict[str, dict[str, Any]] = BLOCKS[0]["templates"]
PLACE = Place({}, frozenset({"default"}), frozenset(), {}, knows_machine=True)
TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", lambda text: text, lambda text: text)
SPEC = msgspec.json.encode(TEMPLATES["order-shipped"]).decode()


def test_the_template_of_the_page_can_be_declared_and_keeps_its_budget() -> None:
    objects = [Object("template", name, "default", spec, f"/templates/{name}", 0) for name, spec in TEMPLATES.items()]
    assert check(objects, PLACE, TOOLS) == []
    made = templates.read(SPEC)
    assert {templates.sizes(made, place).maximal for place in made.texts} == {made.spec.max_segments}


def test_the_message_of_the_page_reads_as_the_page_says() -> None:
    request = msgspec.json.decode(PAGE.partition("```json\n")[2].partition("```")[0], type=MessageRequest)
    there = usable([(1, "order-shipped", 3, "approved", SPEC)], 1, "live")
    made = filled(request, there, "DE")
    assert isinstance(made, Filled) and made.label == "order-shipped@3"
    assert made.request.text == PAGE.partition("```text\n")[2].partition("\n")[0]


def test_every_key_of_a_variable_and_the_policy_are_explained() -> None:
    rows = PAGE.partition("| key | meaning |")[2].partition("\n\n")[0]
    assert all(f"`{key}`" in rows for key in Variable.__struct_fields__)
    [(name, spec)] = BLOCKS[1]["policies"].items()
    assert policies.wrong(msgspec.convert(spec, policies.FORMS[name])) == []
