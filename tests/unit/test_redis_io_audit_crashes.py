"""The audit log through crashes, full disks and a second inspector: always readable, and the chain goes on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io import audit, disk
from fleetcache_gui.redis_io.audit import TORN, AuditFailed, AuditLog, Broken, Entry

if TYPE_CHECKING:
    from typing import IO

ROOT = Path(__file__).parents[2]
DEED = "0" * 32

APPENDS = """
import asyncio, sys
from pathlib import Path
from fleetcache_gui.redis_io.audit import AuditLog

async def main():
    log = AuditLog(Path(sys.argv[1]))
    sys.stdin.readline()
    for number in range(int(sys.argv[2])):
        await log.append(sys.argv[3] * 32, "progress", {"number": number, "filler": "x" * 200})
        print(number, flush=True)

asyncio.run(main())
"""

FULL = """
import asyncio, resource, sys
from pathlib import Path
from fleetcache_gui.redis_io.audit import AuditFailed, AuditLog
from fleetcache_gui.redis_io.audit_export import export

async def main():
    path, room, target = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    log = AuditLog(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    written = 0
    try:
        while True:
            await log.append("0" * 32, "progress", {"number": written})
            written += 1
    except AuditFailed as error:
        print(written, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room // 2, resource.RLIM_INFINITY))
    for form in ("csv", "json"):
        try:
            await export(log, target, form)
        except AuditFailed as error:
            print(error)

asyncio.run(main())
"""


def run(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def go(program: subprocess.Popen[str]) -> None:
    assert program.stdin
    program.stdin.write("go\n")
    program.stdin.flush()


def entries(log: AuditLog) -> list[Entry]:
    """All entries of a log that is whole."""
    items = list(log.walk())
    assert [item for item in items if isinstance(item, Broken)] == []
    return [item for item in items if isinstance(item, Entry)]


def kept_pieces(log: AuditLog) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in log.path.parent.glob("audit.jsonl.torn-*")}


def test_a_crash_at_any_byte_leaves_a_log_that_goes_on(tmp_path: Path) -> None:
    """The file is cut at each length, with the side file as it was at that time and one entry before it."""
    log = AuditLog(tmp_path / "audit.jsonl")
    side = tmp_path / "audit.jsonl.head"
    for number in range(2):
        asyncio.run(log.append(DEED, "progress", {"number": number}))
    whole = log.path.read_bytes()
    heads = [b"", *(f"{item.seq:020d} {item.hash}\n".encode() for item in entries(log))]
    for length in range(len(whole)):
        complete = whole[:length].count(b"\n")
        piece = whole[:length].rpartition(b"\n")[2]
        for head in heads[max(0, complete - (length % 7 == 0)) : complete + 1]:
            for path in tmp_path.iterdir():
                path.unlink()
            log.path.write_bytes(whole[:length])
            side.write_bytes(head)
            found = list(log.walk())
            assert len(found) == complete + bool(piece)
            assert isinstance(found[-1], Broken) if piece else not any(isinstance(item, Broken) for item in found)
            last = log._append(DEED, "outcome", {})
            assert entries(log)[-1] == last
            assert kept_pieces(log) == ({entries(log)[-2].facts["kept_in"][0]: piece} if piece else {})
            assert last.seq == complete + 1 + bool(piece)


@pytest.mark.parametrize("step", ["aside", "over", "behind"])
async def test_a_crash_while_a_torn_line_is_mended_loses_nothing(step: str, tmp_path: Path) -> None:
    """Once more at each point between the writings: kept aside; half of the notice over it; the notice and the rest."""
    log = AuditLog(tmp_path / "audit.jsonl")
    first = await log.append(DEED, "intent", {})
    piece = b'{"at":"2026' + b"x" * 2000
    with log.path.open("ab") as file:
        file.write(piece)
    log._keep_aside(piece)
    if step != "aside":
        size = len(log.path.read_bytes()) - len(piece)
        notice = audit._line(audit._compose(audit._Head(first.seq, first.hash), "", TORN, {"kept_in": ["a"]}))
        with log.path.open("r+b") as file:
            file.seek(size)
            file.write(notice if step == "behind" else notice[:40])
    last = await log.append(DEED, "outcome", {})
    found = entries(log)
    assert (found[0], found[-1]) == (first, last)
    assert [item.event for item in found[1:-1]] == [TORN] * (2 if step == "behind" else 1)
    assert found[-2].facts["kept_in"] == sorted(kept_pieces(log))
    assert piece in kept_pieces(log).values()


@pytest.mark.parametrize("torn", [b"", b"x" * 3000, b"x"], ids=len)
@pytest.mark.parametrize("fails", [0, 1, 2, 3])
async def test_a_write_that_fails_leaves_a_log_that_goes_on(
    fails: int, torn: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at one writing after the other, half of which comes through."""
    log = AuditLog(tmp_path / "audit.jsonl")
    first = await log.append(DEED, "intent", {})
    before = log.path.read_bytes()
    log.path.write_bytes(before + torn)
    writings = 0

    def half(file: IO[bytes], content: bytes) -> None:
        nonlocal writings
        writings += 1
        full = writings > fails
        file.write(content[: len(content) // 2] if full else content)
        if full:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "write_synced", half)
    refused = fails < (5 if torn else 2)
    if refused:
        with pytest.raises(AuditFailed, match=r"\(No space left on device\), and nothing may be changed without it: "):
            await log.append(DEED, "progress", {})
        if not torn:
            assert log.path.read_bytes() == before
    else:
        await log.append(DEED, "progress", {})
    monkeypatch.undo()
    last = await log.append(DEED, "outcome", {})
    items = list(log.walk())
    assert (items[0], items[-1]) == (first, last)
    assert torn in kept_pieces(log).values() or not torn


async def test_two_inspectors_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "audit.jsonl"
    programs = [run(APPENDS, path, 200, name) for name in "ab"]
    for program in programs:
        go(program)
    for program in programs:
        _, errors = program.communicate(timeout=60)
        assert (program.returncode, errors) == (0, "")
    found = entries(AuditLog(path))
    assert [entry.seq for entry in found] == list(range(1, 401))
    for name in "ab":
        assert [entry.facts["number"] for entry in found if entry.deed == name * 32] == list(range(200))


def test_killed_in_the_midst_of_appends(tmp_path: Path) -> None:
    """What was said to be written is there, after each of twenty kills; no line is lost, none is half."""
    log = AuditLog(tmp_path / "audit.jsonl")
    promised: list[tuple[str, int]] = []
    for name in "abcdefghijklmnopqrst":
        with run(APPENDS, log.path, 10_000, name) as program:
            assert program.stdout
            go(program)
            for _ in range(3 + len(promised) % 4):
                promised.append((name * 32, int(program.stdout.readline())))
            program.kill()
            rest = program.stdout.read().splitlines()
        promised += ((name * 32, int(line)) for line in rest)
        asyncio.run(log.append(DEED, "outcome", {}))
        found = [(entry.deed, entry.facts["number"]) for entry in entries(log) if entry.event == "progress"]
        assert set(promised) <= set(found)
    assert asyncio.run(log.verify()) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
@pytest.mark.parametrize("room", [3000, 3100, 3200, 3250])
def test_a_full_disk_is_told_and_leaves_no_half_line_or_file(room: int, tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "log" / "audit.jsonl")
    target = tmp_path / "export" / "audit.csv"
    target.parent.mkdir()
    target.write_text("as before")
    with run(FULL, log.path, room, target) as program:
        output, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    first, *exports = output.splitlines()
    count, text = first.split(" ", 1)
    said = text.partition(" could not be written ")[2].partition(", and ")[0]
    assert said in ("(File too large)", "(No space left on device)")
    assert len(exports) == 2
    for said in exports:
        assert said.startswith(f"The audit log could not be exported to {target} (File too large): free some space")
    assert [path.name for path in target.parent.iterdir()] == ["audit.csv"]
    assert target.read_text() == "as before"
    assert len(entries(log)) == int(count) > 5
    asyncio.run(log.append(DEED, "outcome", {}))
    assert len(entries(log)) == int(count) + 1
    assert kept_pieces(log) == {}


@pytest.mark.parametrize("line", ['{"a": 1}', ""])
def test_lines_by_hand_are_reported(line: str, tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    asyncio.run(log.append(DEED, "intent", {}))
    with log.path.open("a") as file:
        file.write(line + "\n")
    asyncio.run(log.append(DEED, "outcome", {}))
    found = asyncio.run(log.verify())
    assert found
    assert (found.line, found.wrong) == (2, "unreadable")
    assert [json.loads(text)["seq"] for text in log.path.read_text().splitlines() if '"seq"' in text] == [1, 2]
