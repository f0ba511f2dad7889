"""Exports over HTTP and from the command line: whole, narrowed, safe, nobody else's, noted."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from pyarrow import parquet

from tests.process.server import Api, Server


@pytest.fixture(scope="module")
def reader(server: Server) -> Api:
    return Api(server, server.key("exports:read"))


@pytest.fixture(scope="module")
def sent(api: Api, reader: Api) -> list[dict[str, Any]]:
    """Messages that have arrived; one text would be a formula to a spreadsheet."""
    texts = ["=HYPERLINK(1)", 'Grüße, "zitiert"\nzweite Zeile', "Hello"]
    made = [
        api.send(text=text, to=f"+44770090019{number}", tags=["a", "b"], metadata={"order": str(number)})
        for number, text in enumerate(texts)
    ]
    made.append(api.send(text="Your code is 1234", kind="otp"))
    return [api.until(one["id"], "delivered") for one in made]


def lines(answer: requests.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def objects(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_csv_tells_what_the_api_tells(reader: Api, sent: list[dict[str, Any]]) -> None:
    answer = reader("GET", "/v1/exports/messages.csv?texts=true")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="messages.csv"'
    found = lines(answer)
    assert [row["id"] for row in found] == [one["id"] for one in sent]
    for row, one in zip(found, sent, strict=True):
        for name in ("status", "to", "country", "kind", "created_at", "final_at", "connector", "encoding"):
            assert row[name] == (one[name] or ""), name
        assert (row["segments"], row["possible_duplicate"]) == (str(one["segments"]), "false")
    assert [row["text"] for row in found[:3]] == ["'=HYPERLINK(1)", 'Grüße, "zitiert"\nzweite Zeile', "Hello"]
    assert json.loads(found[0]["tags"]) == ["a", "b"]


def test_json_lines_keep_types(reader: Api, sent: list[dict[str, Any]]) -> None:
    found = objects(reader("GET", "/v1/exports/messages.jsonl"))
    assert [row["id"] for row in found] == [one["id"] for one in sent]
    first = found[0]
    assert (first["segments"], first["possible_duplicate"], first["tags"]) == (1, False, ["a", "b"])
    assert (first["metadata"], first["text"]) == ({"order": "0"}, None)


def test_parquet_has_a_schema(reader: Api, sent: list[dict[str, Any]]) -> None:
    answer = reader("GET", "/v1/exports/messages.parquet")
    table = parquet.read_table(io.BytesIO(answer.content))
    assert table.column("id").to_pylist() == [one["id"] for one in sent]
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["created_at"], types["segments"], types["possible_duplicate"]) == (
        "timestamp[ms, tz=UTC]",
        "int64",
        "bool",
    )
    at = table.column("created_at")[0].as_py().isoformat(timespec="milliseconds")
    assert at.replace("+00:00", "Z") == sent[0]["created_at"]


def test_an_empty_export_is_a_whole_file(reader: Api, sent: list[dict[str, Any]]) -> None:
    never = "since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z"
    assert lines(reader("GET", f"/v1/exports/messages.csv?{never}")) == []
    assert reader("GET", f"/v1/exports/messages.csv?{never}").text.startswith("id,status,to,")
    table = parquet.read_table(io.BytesIO(reader("GET", f"/v1/exports/messages.parquet?{never}").content))
    assert table.num_rows == 0


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [("kind=otp", 1), ("to=%2B447700900190", 1), ("status=failed", 0), ("country=GB&status=delivered", 4)],
)
def test_it_can_be_narrowed(reader: Api, sent: list[dict[str, Any]], narrowed: str, count: int) -> None:
    assert len(objects(reader("GET", f"/v1/exports/messages.jsonl?{narrowed}"))) == count


def test_a_range_takes_its_beginning_and_not_its_end(reader: Api, sent: list[dict[str, Any]]) -> None:
    first, last = sent[0]["created_at"], sent[-1]["created_at"]
    found = objects(reader("GET", f"/v1/exports/messages.jsonl?since={first}&until={last}"))
    wanted = [one["id"] for one in sent if first <= one["created_at"] < last]
    assert [row["id"] for row in found] == wanted


def test_events_and_attempts_of_a_message_are_there(reader: Api, api: Api, sent: list[dict[str, Any]]) -> None:
    own = [row for row in objects(reader("GET", "/v1/exports/events.jsonl")) if row["message"] == sent[0]["id"]]
    timeline = api("GET", f"/v1/messages/{sent[0]['id']}/events").json()["data"]
    assert [(row["id"], row["type"], row["at"]) for row in own] == [
        (event["id"], event["type"], event["created_at"]) for event in timeline
    ]
    tried = [row for row in objects(reader("GET", "/v1/exports/attempts.jsonl")) if row["message"] == sent[0]["id"]]
    shown = api("GET", f"/v1/messages/{sent[0]['id']}").json()["attempts"]
    assert tried == [{"message": sent[0]["id"], **attempt} for attempt in shown]


def test_messages_from_phones_come_without_their_texts_unless_asked(reader: Api, admin: Api) -> None:
    admin("POST", "/v1/sandbox/inbound", {"from": "+447700900133", "to": "60606", "text": "@secret"})
    found = lines(reader("GET", "/v1/exports/inbound.csv"))
    assert [(row["from"], row["to"], row["text"]) for row in found] == [("+447700900133", "60606", "")]
    assert lines(reader("GET", "/v1/exports/inbound.csv?texts=true"))[0]["text"] == "'@secret"
    assert "@secret" not in reader("GET", "/v1/exports/events.csv").text


def test_consents_and_conversions_and_deliveries_are_there(reader: Api, admin: Api, sent: list[dict[str, Any]]) -> None:
    admin("POST", "/v1/consents", {"to": "+447700900134", "action": "opt_in", "text": "I agree"})
    row = lines(reader("GET", "/v1/exports/consents.csv?to=%2B447700900134"))[0]
    assert (row["action"], row["scope"], row["text"], row["source"]) == ("opt_in", "*", "", "api")
    admin("POST", f"/v1/messages/{sent[2]['id']}/conversion", {"kind": "clicked"})
    conversions = objects(reader("GET", "/v1/exports/conversions.jsonl"))
    assert [(one["message"], one["kind"], one["country"]) for one in conversions] == [(sent[2]["id"], "clicked", "GB")]
    admin("POST", "/v1/endpoints", {"name": "hook", "url": "http://127.0.0.1:9/"})
    admin("POST", "/v1/endpoints/hook/test")
    delivery = objects(reader("GET", "/v1/exports/deliveries.jsonl?endpoint=hook"))[0]
    assert (delivery["endpoint"], delivery["type"], delivery["replay"]) == ("hook", "webhook.test", True)


def test_more_rows_than_a_page_come_whole_and_once(server: Server, api: Api) -> None:
    batch = {"messages": [{"to": f"+4477009{number:05d}", "text": "Many"} for number in range(1_200)]}
    made = api("POST", "/v1/messages/batch", batch).json()
    rows = Api(server, server.key("exports:read"))("GET", "/v1/exports/messages.jsonl").text.splitlines()
    found = [one["id"] for one in map(json.loads, rows) if one["batch_id"] == made["batch_id"]]
    assert found == [one["id"] for one in made["data"]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("messages.xlsx", 400, "bad_format"),
        ("mesages.csv", 404, "not_found"),
        ("messages", 404, "not_found"),
        ("messages.csv?since=yesterday", 400, "bad_time"),
        ("messages.csv?type=x", 400, "unknown_parameter"),
        ("messages.csv?colour=red", 400, "unknown_parameter"),
    ],
)
def test_what_cannot_be_exported_is_refused(reader: Api, path: str, status: int, code: str) -> None:
    answer = reader("GET", f"/v1/exports/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_export_needs_its_scope_and_is_noted(reader: Api, api: Api, admin: Api) -> None:
    assert api("GET", "/v1/exports/messages.csv").json()["code"] == "missing_scope"
    reader("GET", "/v1/exports/consents.csv?action=opt_in&texts=true")
    entry = admin("GET", "/v1/audit?action=consents.exported&limit=1").json()["data"][0]
    assert entry["object"] == "export:consents"
    assert (entry["detail"]["format"], entry["detail"]["filters"]) == ("csv", {"action": "opt_in"})


def test_nothing_of_others_is_in_an_export(server: Server, sent: list[dict[str, Any]]) -> None:
    server.run("workspaces", "create", "exports-neighbour")
    for key in (
        server.key("exports:read", workspace="exports-neighbour"),
        server.key("exports:read", environment="live"),
    ):
        other = Api(server, key)
        for what in ("messages", "attempts", "events", "inbound", "conversions", "deliveries"):
            assert [row for row in objects(other("GET", f"/v1/exports/{what}.jsonl")) if row.get("message")] == []
        assert objects(other("GET", "/v1/exports/messages.jsonl")) == []
    stranger = Api(server, server.key("exports:read", workspace="exports-neighbour"))
    assert objects(stranger("GET", "/v1/exports/consents.jsonl")) == []


def test_the_list_says_what_there_is(reader: Api) -> None:
    found = reader("GET", "/v1/exports").json()
    assert found["formats"] == ["csv", "jsonl", "parquet"]
    messages = next(one for one in found["data"] if one["name"] == "messages")
    assert "carrier_code" in messages["columns"]
    assert messages["filters"][:2] == ["connector", "correlation_id"]


def test_the_command_line_writes_the_same_file(
    server: Server, reader: Api, sent: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "messages.csv"
    words = ("--environment", "test", "--only", "kind=otp")
    told = server.run("export", "messages", str(file), *words)
    assert told == {"file": str(file), "bytes": file.stat().st_size}
    assert file.read_bytes() == reader("GET", "/v1/exports/messages.csv?kind=otp").content


WRONG = [
    ({"what": "mesages", "folder": "a"}, "bad_value", "what"),
    ({"what": "messages"}, "missing_field", ""),
    ({"what": "messages", "folder": "../etc"}, "bad_value", "folder"),
    ({"what": "messages", "folder": "a", "bucket": "bucket"}, "missing_field", ""),
    ({"what": "messages", "bucket": "bucket"}, "missing_field", "s3_url"),
    ({"what": "messages", "folder": "a", "format": "xlsx"}, "bad_format", "format"),
    ({"what": "messages", "folder": "a", "environment": "nowhere"}, "unknown_environment", "environment"),
    ({"what": "messages", "folder": "a", "filters": {"type": "x"}}, "bad_value", "filters/type"),
    ({"what": "messages", "folder": "a", "every": "minute"}, "bad_value", "every"),
]


@pytest.mark.parametrize(("spec", "code", "pointer"), WRONG)
def test_a_scheduled_export_that_cannot_work_is_refused(
    admin: Api, spec: dict[str, Any], code: str, pointer: str
) -> None:
    answer = admin("POST", "/v1/apply", {"document": {"exports": {"mine": spec}}})
    errors = [(error["code"], error["pointer"]) for error in answer.json()["errors"]]
    assert (code, f"/document/exports/mine/{pointer}".rstrip("/")) in errors


def test_only_the_operator_declares_what_leaves_by_the_machine(server: Server) -> None:
    server.run("workspaces", "create", "outlets")
    stranger = Api(server, server.key("admin", workspace="outlets"))
    for section, spec in (
        ("exports", {"what": "messages", "folder": "a"}),
        ("streams", {"kind": "nats", "servers": ["127.0.0.1:4222"], "subject": "sms"}),
    ):
        answer = stranger("POST", "/v1/apply", {"document": {section: {"mine": spec}}})
        assert answer.json()["code"] == "foreign_workspace"
