"""What the page on campaigns shows can be uploaded, made and declared as it stands there."""

import re
import tomllib
from pathlib import Path

import msgspec

from heliograph.core.audiences import Fault, Filter, Header, Recipient, Records
from heliograph.core.campaigns import CampaignSpec
from heliograph.core.templates import compile_text
from heliograph.engine.policies import FORMS

PAGE = (Path(__file__).parents[2] / "docs/campaigns.md").read_text()


def blocks(language: str) -> list[str]:
    return [block.partition("```")[0] for block in PAGE.split(f"```{language}\n")[1:]]


def test_the_file_of_the_page_is_read() -> None:
    (_, names), *rows = Records().feed(blocks("csv")[0].encode())
    header = Header(names, None)
    found = [header.read(line, cells, "GB") for line, cells in rows]
    assert [type(one) for one in found] == [Recipient, Recipient, Fault]


def test_the_filters_of_the_page_are_filters() -> None:
    asked = msgspec.json.decode(blocks("json")[0])
    assert len(msgspec.convert(asked["filters"], list[Filter])) == 3


def test_the_campaigns_of_the_page_can_be_made() -> None:
    declared = [tomllib.loads(block) for block in blocks("toml")]
    specs = [msgspec.convert(one, CampaignSpec) for one in declared if "policies" not in one]
    assert [spec.name for spec in specs] == ["spring-sale", "two-texts"]
    for spec in specs:
        assert spec.wrong(1_795_000_000_000) == []
        assert all(compile_text(variant.text) for variant in spec.texts)


def test_the_policy_of_the_page_can_be_declared() -> None:
    for one in (tomllib.loads(block) for block in blocks("toml")):
        for name, spec in one.get("policies", {}).items():
            msgspec.convert(spec, FORMS[name])


def test_every_field_is_explained() -> None:
    shown = {
        name for cell in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    assert set(CampaignSpec.__struct_fields__) - {"name", "audience"} <= shown
