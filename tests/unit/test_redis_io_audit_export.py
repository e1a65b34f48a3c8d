"""The audit log as CSV and JSON: nothing that a spreadsheet would compute, and whole or not at all."""

from __future__ import annotations

import csv
import json
import stat
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io.audit import AuditFailed, AuditLog
from fleetcache_gui.redis_io.audit_export import export

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '"=1"', "a,b\r\nc", "ü\udcff\u202e", "plain"]


async def filled(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path / "log" / "audit.jsonl")
    for event in HOSTILE:
        await log.append(event, event, {"=key": event})
    return log


async def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    log, target = await filled(tmp_path), tmp_path / "audit.csv"
    await export(log, target, "csv")
    with target.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["seq", "at", "who", "host", "deed", "event", "facts", "prev", "hash"]
    assert len(rows) == len(HOSTILE)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows for cell in row)
    for row, event in zip(rows, HOSTILE, strict=True):
        written = event.encode("utf-8", "backslashreplace").decode()
        assert row[5] in (written, f"'{written}")
        assert json.loads(row[6]) == {"=key": event}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


async def test_json_is_the_log_as_it_stands(tmp_path: Path) -> None:
    log, target = await filled(tmp_path), tmp_path / "audit.json"
    target.write_text("from before")
    await export(log, target, "json")
    assert json.loads(target.read_bytes()) == [json.loads(line) for line in log.path.read_bytes().splitlines()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.json", "log"]


async def test_an_empty_log_is_an_empty_table(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    await export(log, tmp_path / "audit.json", "json")
    await export(log, tmp_path / "audit.csv", "csv")
    assert json.loads((tmp_path / "audit.json").read_text()) == []
    assert (tmp_path / "audit.csv").read_bytes().count(b"\r\n") == 1


async def test_broken_places_are_exported_too(tmp_path: Path) -> None:
    log = await filled(tmp_path)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join([*lines[:2], b"gone\n", *lines[3:]]))
    await export(log, tmp_path / "audit.json", "json")
    third = json.loads((tmp_path / "audit.json").read_text())[2]
    assert (third["event"], third["seq"], third["facts"]["line"]) == ("broken", "", 3)
    assert third["facts"]["wrong"] == "unreadable"
    await export(log, tmp_path / "audit.csv", "csv")
    assert ',broken,"{""line"": 3, ""wrong"": ""unreadable"",' in (tmp_path / "audit.csv").read_text()


async def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path: Path) -> None:
    log = await filled(tmp_path)
    with pytest.raises(
        AuditFailed, match=r"could not be exported to .*none/audit\.csv \(No such file or directory\): "
    ):
        await export(log, tmp_path / "none" / "audit.csv", "csv")
    (tmp_path / "taken").mkdir()
    with pytest.raises(AuditFailed, match=r"could not be exported to .*taken \(Is a directory\): free some space, or "):
        await export(log, tmp_path / "taken", "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "taken"]
