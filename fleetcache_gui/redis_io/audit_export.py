"""The audit log as a file for other programs: spreadsheets, or whatever reads JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fleetcache_gui.redis_io import disk
from fleetcache_gui.redis_io.aside import aside
from fleetcache_gui.redis_io.audit import AuditFailed, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleetcache_gui.redis_io.audit import AuditLog, Broken

_COLUMNS = [field.name for field in fields(Entry)]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would compute (OWASP, CSV injection)."""


async def export(log: AuditLog, target: Path, form: Literal["csv", "json"]) -> None:
    """Write the whole log to `target`, for this user's eyes only; whole or not at all. Raises `AuditFailed`.

    CSV has a head line and the facts as JSON in one cell; cells that a spreadsheet would compute begin with `'`. JSON
    is an array of the entries as they stand. Where the log is broken, an entry with the event "broken" says so.
    """
    await aside(partial(_write, log, target, form))


def _write(log: AuditLog, target: Path, form: Literal["csv", "json"]) -> None:
    lines = _csv(log.walk()) if form == "csv" else _json(log.walk())
    scratch: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # made with mode 0600
        scratch = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
        scratch = None
        disk.sync_folder(target.parent)
    except OSError as error:
        said = f"The audit log could not be exported to {disk.named(target)} ({disk.reason(error)})"
        raise AuditFailed(f"{said}: free some space, or choose another place.") from None
    finally:
        if scratch:
            scratch.unlink(missing_ok=True)


def _fields(item: Entry | Broken) -> dict[str, Any]:
    if isinstance(item, Entry):
        return {name: getattr(item, name) for name in _COLUMNS}
    facts = {"line": item.line, "wrong": item.wrong, "text": item.text}
    return dict.fromkeys(_COLUMNS, "") | {"event": "broken", "facts": facts}


def _csv(items: Iterable[Entry | Broken]) -> Iterator[str]:
    yield ",".join(_COLUMNS) + "\r\n"
    for item in items:
        cells = _fields(item) | {"facts": json.dumps(_fields(item)["facts"])}
        line = io.StringIO()
        csv.writer(line).writerow(_harmless(str(cell)) for cell in cells.values())
        yield line.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _json(items: Iterable[Entry | Broken]) -> Iterator[str]:
    between = "[\n"
    for item in items:
        yield between + json.dumps(_fields(item), sort_keys=True, separators=(",", ":"))
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"
