"""Price tables at the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

TABLE = "connector,country,kind,price,currency\nsandbox,GB,,0.0345,EUR\nsandbox,,otp,0.08,EUR\n"


def test_a_table_is_imported_and_listed(run: Run, data: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(TABLE)
    done = run("prices", "import", str(file), "--data-dir", data, "--json").data
    assert done == {"connectors": ["sandbox"], "lines": 2}
    lines = run("prices", "list", "--data-dir", data, "--json").data["data"]
    assert [(line["country"], line["kind"], line["price"]) for line in lines] == [
        ("", "otp", "0.08"),
        ("GB", "", "0.0345"),
    ]
    shown = run("prices", "list", "--data-dir", data).out.splitlines()[1]
    assert shown.split() == ["sandbox", "message", "*", "*", "otp", "0.08", "EUR"]
    file.write_text("connector,price,currency\nsandbox,0.01,EUR\n")
    assert run("prices", "import", str(file), "--data-dir", data).out == "prices of sandbox: 1\n"
    assert len(run("prices", "list", "--data-dir", data, "--json").data["data"]) == 1


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (TABLE.replace("sandbox,,", "sandbix,,").encode(), ["line 3: there is no connector 'sandbix'"]),
        (TABLE.replace("GB", "UK").replace("0.08", "x").encode(), ["line 2: 'UK'", "line 3: 'x'"]),
        (b"", ["line 1: the columns are missing"]),
        (b"\xff\xfe", ["this is not UTF-8"]),
    ],
)
def test_each_wrong_line_is_told_with_its_file(
    run: Run, data: str, tmp_path: Path, table: bytes, told: list[str]
) -> None:
    file = tmp_path / "prices.csv"
    file.write_bytes(table)
    done = run("prices", "import", str(file), "--data-dir", data)
    assert done.code == 1
    lines = done.err.removeprefix("heliograph: ").splitlines()
    assert len(lines) == len(told)
    for line, text in zip(lines, told, strict=True):
        assert line.startswith(f"{file}: {text}"), line
    assert run("prices", "list", "--data-dir", data, "--json").data == {"data": []}


def test_a_file_that_is_not_there_is_told(run: Run, data: str) -> None:
    done = run("prices", "import", "nowhere.csv", "--data-dir", data)
    assert (done.code, done.err) == (1, "heliograph: nowhere.csv: No such file or directory\n")
