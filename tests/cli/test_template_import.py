"""Templates from files: our own documents, CSV, and what Twilio's Content API gives."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Done, Run

CSV = """\
name,locale,kind,text,first_name,order
csv-shipped,en,transactional,"Acme: hello {{first_name}}, order {{order}} is on its way",Maria,AB-1742
csv-shipped,de,transactional,"Acme: hallo {{first_name}}, Bestellung {{order}} ist unterwegs",Maria,AB-1742
csv-ready,fr,support,Acme : votre colis est prêt,,
"""
TWILIO = {
    "contents": [
        {
            "friendly_name": "Twilio Order Shipped",
            "language": "en",
            "variables": {"1": "first_name", "2": "Maria's order 7"},
            "types": {"twilio/text": {"body": "Hi {{1}}, {{2}} is on its way"}},
        },
        {
            "friendly_name": "Twilio Order Shipped",
            "language": "pt_BR",
            "variables": {"1": "first_name", "2": "o pedido 7"},
            "types": {"twilio/text": {"body": "Oi {{ 1 }}, {{2}} saiu"}},
        },
    ],
    "meta": {"page": 0},
}


class Desk:
    """Imports files and shows templates."""

    def __init__(self, ask: Run, folder: Path) -> None:
        self.ask = ask
        self.folder = folder

    def read_in(self, name: str, content: str, *words: str) -> Done:
        file = self.folder / name
        file.write_text(content, "utf-8")
        return self.ask("templates", "import", str(file), *words)

    def spec(self, name: str) -> Any:
        found = self.ask("templates", "show", name, "--json").data
        assert found["state"] == "draft"
        return found["versions"][0]["spec"]

    def is_there(self, name: str) -> bool:
        return self.ask("templates", "show", name).code == 0


@pytest.fixture
def desk(ask: Run, tmp_path: Path) -> Desk:
    return Desk(ask, tmp_path)


def actions(done: Done) -> list[str]:
    return [row["action"] for row in done.data["data"]]


def test_a_csv_becomes_drafts_and_changes_nothing_the_second_time(desk: Desk) -> None:
    tried = desk.read_in("in.csv", CSV, "--dry-run", "--json")
    assert actions(tried) == ["created", "created"] and not desk.is_there("csv-shipped")
    assert actions(desk.read_in("in.csv", CSV, "--json")) == ["created", "created"]
    spec = desk.spec("csv-shipped")
    assert sorted(spec["texts"]) == ["de", "en"] and spec["variables"]["order"] == {"example": "AB-1742"}
    assert desk.spec("csv-ready") == {
        "kind": "support",
        "default_locale": "fr",
        "texts": {"fr": "Acme : votre colis est prêt"},
    }
    assert actions(desk.read_in("in.csv", CSV, "--json")) == ["unchanged", "unchanged"]


def test_what_twilio_lists_gets_named_variables(desk: Desk) -> None:
    assert actions(desk.read_in("contents.json", json.dumps(TWILIO), "--json")) == ["created"]
    spec = desk.spec("twilio-order-shipped")
    assert spec["texts"] == {
        "en": "Hi {{first_name}}, {{v2}} is on its way",
        "pt-BR": "Oi {{first_name}}, {{v2}} saiu",
    }
    assert spec["variables"] == {"first_name": {"example": "first_name"}, "v2": {"example": "Maria's order 7"}}
    again = desk.read_in("one", json.dumps(TWILIO["contents"]), "--format", "twilio", "--json")
    assert actions(again) == ["unchanged"]


def test_an_export_by_lines_is_read_again(desk: Desk) -> None:
    desk.read_in("a.csv", "name,text\nlines-a,Acme: hello\n")
    lines = desk.ask("templates", "export", "--format", "jsonl").out
    assert '{"name": "lines-a", ' in lines
    assert set(actions(desk.read_in("all.jsonl", lines, "--json"))) == {"unchanged"}


BAD = """\
name,text,order
bad-fine,Acme: your parcel waits,
bad-unknown,Acme: order {{number}} waits,AB-1
Bad Name,Acme: hello,
bad-twice,Acme: hello,
bad-twice,Acme: hallo,
bad-cells,Acme: hello
"""


def test_all_that_is_bad_is_told_by_line_and_nothing_is_written(desk: Desk) -> None:
    done = desk.read_in("bad.csv", BAD)
    assert done.code == 1
    told = dict(line.split(": ", 1) for line in done.out.splitlines() if line.startswith("line "))
    assert sorted(told) == ["line 3", "line 4", "line 6", "line 7"]
    assert "number" in told["line 3"] and "[" in told["line 3"]
    assert "use small letters" in told["line 4"]
    assert "a text in en at line 5 already" in told["line 6"]
    assert "cells than the 3 columns" in told["line 7"]
    assert "nothing was written" in done.out and not desk.is_there("bad-fine")


def test_the_good_ones_are_written_when_that_is_asked_for(desk: Desk) -> None:
    done = desk.read_in("bad.csv", BAD, "--skip-bad", "--json")
    assert done.code == 1
    answer = json.loads(done.out)
    assert [row["name"] for row in answer["data"]] == ["bad-fine"]
    assert [one["where"] for one in answer["bad"]] == ["line 4", "line 6", "line 7", "line 3"]
    assert desk.is_there("bad-fine") and not desk.is_there("bad-twice")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "id,body\n1,hello\n", "name and text must be among them"),
        ("a.csv", "name,text,the order\na,b,c\n", "'the order' can't be a variable"),
        ("a.json", "{", "it can't be read"),
        ("a.json", "[]", "there are no templates in it"),
        ("a.jsonl", '{"text": "x"}\n', "line 1: it has no name"),
        ("a.jsonl", "nothing\n", "line 1: it is no JSON object"),
    ],
)
def test_a_file_that_is_something_else_is_refused(desk: Desk, name: str, content: str, told: str) -> None:
    done = desk.read_in(name, content)
    assert done.code == 1 and told in done.err + done.out


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"language": "en"}, "entry 1: it has no friendly_name"),
        ({"friendly_name": "x", "types": {"twilio/media": {}}}, "entry 1: it has no twilio/text with a body"),
        ({"friendly_name": "???", "types": {"twilio/text": {"body": "Hi"}}}, "entry 1: '???' leaves no name"),
    ],
)
def test_what_is_no_text_at_twilio_is_told(desk: Desk, entry: Any, told: str) -> None:
    done = desk.read_in("contents.json", json.dumps({"contents": [entry]}))
    assert done.code == 1 and told in done.out
