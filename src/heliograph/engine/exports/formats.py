"""How rows are written: CSV, JSON Lines, Parquet. A writer gives bytes as rows come, and never holds more than a page.

Parquet needs pyarrow, which the extra `parquet` brings; it is loaded when somebody asks for Parquet.
"""

import csv
import io
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Final, Protocol

import msgspec

from heliograph.core.failures import Refusal
from heliograph.core.views import moment
from heliograph.engine.exports.tables import FLAG, JSON, MOMENT, WHOLE, Cells, Column
from heliograph.engine.suggest import did_you_mean

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_GROUP_ROWS: Final = 20_000  # of Parquet: large enough to be packed well, small enough to be held
_encode: Final = msgspec.json.Encoder().encode


class Writer(Protocol):
    """Writes one export."""

    def head(self) -> bytes: ...

    def rows(self, rows: Sequence[Cells]) -> bytes: ...

    def end(self) -> bytes: ...


def refusal(form: str) -> Refusal | None:
    """Why this format can't be written here."""
    if form not in MEDIA_TYPES:
        detail = f"{form[:40]!r} is not a format: {', '.join(MEDIA_TYPES)}.{did_you_mean(form, MEDIA_TYPES)}"
        return Refusal("bad_format", detail, "/format", 400)
    if form == "parquet" and find_spec("pyarrow") is None:
        detail = "Parquet needs pyarrow, which is not installed here: pip install 'heliograph[parquet]', or take csv"
        return Refusal("missing_package", detail, "/format")
    return None


def writer(form: str, columns: Sequence[Column]) -> Writer:
    """For a format of which there is no refusal."""
    return _WRITERS[form](columns)


def plain(text: str) -> str:
    """What begins like a formula must not be one to a spreadsheet. A number in E.164 does no harm, and stays one."""
    if text.startswith(_FORMULAS) and not (text[0] == "+" and text[1:].isdigit() and text.isascii()):
        return f"'{text}"
    return text


class _Csv:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._cells = [_CSV.get(column.type, plain) for column in columns]

    def head(self) -> bytes:
        return _lines([[column.name for column in self._columns]])

    def rows(self, rows: Sequence[Cells]) -> bytes:
        cells = self._cells
        return _lines(
            [["" if v is None else write(v) for write, v in zip(cells, row, strict=True)] for row in rows],
        )

    def end(self) -> bytes:
        return b""


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _flag(value: bool) -> str:
    return "true" if value else "false"


_CSV: Final[dict[str, Callable[[Any], str]]] = {MOMENT: moment, WHOLE: str, FLAG: _flag}


class _JsonLines:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._cells = [_JSON.get(column.type) for column in columns]

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Cells]) -> bytes:
        names, cells = self._names, self._cells
        lines = (
            {
                name: value if write is None or value is None else write(value)
                for name, write, value in zip(names, cells, row, strict=True)
            }
            for row in rows
        )
        return b"".join(_encode(line) + b"\n" for line in lines)

    def end(self) -> bytes:
        return b""


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_JSON: Final[dict[str, Callable[[Any], Any]]] = {MOMENT: moment, JSON: _raw}


class _Parquet:
    """Row groups of some thousand rows; what is written is taken away at once."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import parquet

        types = {MOMENT: pyarrow.timestamp("ms", tz="UTC"), WHOLE: pyarrow.int64(), FLAG: pyarrow.bool_()}
        self._schema = pyarrow.schema([(one.name, types.get(one.type, pyarrow.string())) for one in columns])
        self._table = pyarrow.Table.from_arrays
        self._array = pyarrow.array
        self._out = _Taken()
        self._writer = parquet.ParquetWriter(pyarrow.PythonFile(self._out, mode="w"), self._schema, compression="zstd")
        self._waiting: list[Cells] = []

    def head(self) -> bytes:
        return self._out.take()

    def rows(self, rows: Sequence[Cells]) -> bytes:
        self._waiting += rows
        if len(self._waiting) >= _GROUP_ROWS:
            self._write()
        return self._out.take()

    def end(self) -> bytes:
        if self._waiting:
            self._write()
        self._writer.close()
        return self._out.take()

    def _write(self) -> None:
        columns = list(zip(*self._waiting, strict=True))
        self._waiting = []
        arrays = [self._array(cells, field.type) for cells, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._table(arrays, schema=self._schema))


class _Taken(io.RawIOBase):
    """A file that only its end is ever written to."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


_WRITERS: Final[dict[str, Callable[[Sequence[Column]], Writer]]] = {
    "csv": _Csv,
    "jsonl": _JsonLines,
    "parquet": _Parquet,
}
