"""The cohort as one table for other programs: CSV, Parquet, XLSX. The same columns and the same cells in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from reviewkit.collect import write_whole
from reviewkit.errors import UsageError
from reviewkit.row import Row
from reviewkit.safe_text import cell

Value: TypeAlias = str | float | int | None
Kind: TypeAlias = Literal["text", "number", "count"]
_KINDS: Final[Mapping[str, Kind]] = {
    "total": "number", "over": "number", "low": "number", "high": "number",
    "waiting": "count", "flags": "count", "unchecked": "count", "tampering": "count", "received": "count",
}  # fmt: skip
"""Columns that are not text."""
_COUNTS: Final = ("found", "planted", "open")


@dataclass(frozen=True)
class Table:
    """Columns by name, and a line for each row."""

    kinds: Mapping[str, Kind]
    lines: Sequence[Mapping[str, Value]]
    """Texts are safe for spreadsheets: none is taken for a formula, nothing in it is hidden. None where there is no value."""


def table_of(rows: Sequence[Row]) -> Table:
    """The fields of the rows, then `level_senior_found`, `level_senior_planted`, `level_senior_open` and so on."""
    plain = [field.name for field in fields(Row) if field.name != "shares"]
    keys = sorted({(by, value) for row in rows for by, value, *_ in row.shares}, key=lambda key: (key[0] != "level", key))
    kinds = {name: _KINDS.get(name, "text") for name in plain}
    kinds |= {f"{by}_{value}_{count}": "count" for by, value in keys for count in _COUNTS}
    return Table(kinds, [_line(row, kinds) for row in rows])


def _line(row: Row, kinds: Mapping[str, Kind]) -> dict[str, Value]:
    found: dict[str, Value] = dict.fromkeys(kinds)
    for name in kinds:
        value = getattr(row, name, None)
        found[name] = cell(value) if isinstance(value, str) else value
    for by, value, *counts in row.shares:
        found |= {f"{by}_{value}_{name}": count for name, count in zip(_COUNTS, counts, strict=True)}
    return found


def csv_bytes(table: Table) -> bytes:
    """All cells quoted; an empty one where there is no value."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(table.kinds), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None else f"{v}" for k, v in line.items()} for line in table.lines)
    return text.getvalue().encode("utf-8", "backslashreplace")


def parquet_bytes(table: Table) -> bytes:
    """Columns of strings, doubles and 64-bit integers; null where there is no value."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"text": pa.string(), "number": pa.float64(), "count": pa.int64()}
    schema = pa.schema([(name, types[kind]) for name, kind in table.kinds.items()])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(line) for line in table.lines], schema=schema), sink, compression="zstd")
    return sink.getvalue()


def xlsx_bytes(table: Table) -> bytes:
    """One sheet with a fixed head and filters. Text cells are typed as text, so that no program computes one."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Cohort")
    sheet.freeze_panes = "D2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.kinds))}{len(table.lines) + 1}"

    def typed(value: Value, *, bold: bool = False) -> Any:
        made = WriteOnlyCell(sheet, value)
        if isinstance(value, str):
            made.data_type = "s"
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([typed(name, bold=True) for name in table.kinds])
    for line in table.lines:
        sheet.append([typed(value) for value in line.values()])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


WRITERS: Final[Mapping[str, Callable[[Table], bytes]]] = {".csv": csv_bytes, ".parquet": parquet_bytes, ".xlsx": xlsx_bytes}


def export(rows: Sequence[Row], path: Path) -> None:
    """Write the rows to a file, whose ending says in which format.

    Raises:
        UsageError: If the ending is of no format, a package for it is missing, or the file cannot be written.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"{path.name}: is of no format to export to.", f"Let it end in {', '.join(WRITERS)}.")
    try:
        data = writer(table_of(rows))
    except ModuleNotFoundError as error:
        step = "Install it with: pip install 'reviewkit[export]'"
        raise UsageError(f"Writing {path.suffix.lower()} needs {error.name}.", step) from None
    try:
        write_whole(path, data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}).", "Name another file.") from None
