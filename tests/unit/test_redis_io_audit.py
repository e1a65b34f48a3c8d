"""The audit log's chain: whatever is done to the lines is found, and entries come back as they were written."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fleetcache_gui.redis_io import audit, disk
from fleetcache_gui.redis_io.audit import AuditFailed, AuditLog, Broken, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEED = "0" * 32
ENTRIES = 5
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A log of five entries and its side file, as bytes."""
    log = AuditLog(tmp_path_factory.mktemp("written") / "audit.jsonl")
    for number in range(ENTRIES):
        asyncio.run(log.append(DEED, "progress", {"done": number, "name": "lock:é\u202e"}))
    return log.path.read_bytes(), side(log).read_bytes()


def side(log: AuditLog) -> Path:
    return log.path.with_name(log.path.name + ".head")


def put(folder: Path, content: bytes, head: bytes) -> AuditLog:
    log = AuditLog(folder / "audit.jsonl")
    log.path.write_bytes(content)
    side(log).write_bytes(head)
    return log


def broken(log: AuditLog) -> Broken | None:
    return asyncio.run(log.verify())


def entries(log: AuditLog) -> list[Entry]:
    return [item for item in log.walk() if isinstance(item, Entry)]


def forged(line: bytes, **changes: Any) -> bytes:
    """The line with changes, and a hash that fits them."""
    fields = json.loads(line) | changes
    del fields["hash"]
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    fields["hash"] = hashlib.sha256(plain).hexdigest()
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


# --- writing and reading --------------------------------------------------------------------------------------------


async def test_what_is_written_is_read(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "deep" / "audit" / "audit.jsonl")
    facts = {"keys": ["lock:a", "\udcff\x00\u202e"], 3: {"deep": [1, 2.5, None, True]}, "10": 1, "9": "ü"}
    first = await log.append(DEED, "intent", facts)
    second = await log.append(DEED, "outcome", {})
    assert [item async for item in log.read()] == [first, second]
    assert first.facts == json.loads(json.dumps(facts))
    assert (first.seq, second.seq) == (1, 2)
    assert (first.prev, second.prev) == ("0" * 64, first.hash)
    assert (first.deed, first.event, first.who) == (DEED, "intent", disk.user())
    assert first.at.endswith("Z")
    assert len(first.at) == len("2026-01-01T00:00:00.000Z")
    assert await log.verify() is None


async def test_lines_can_be_checked_by_what_their_description_says(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    await log.append(DEED, "intent", {"name": "lock:é"})
    line = log.path.read_bytes()
    assert forged(line) == line


async def test_a_long_log_is_read_in_order(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    for number in range(150):
        await log.append(DEED, "progress", {"filler": "x" * 300, "number": number})
    assert [item.facts["number"] async for item in log.read() if isinstance(item, Entry)] == list(range(150))
    assert await log.verify() is None


async def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "none" / "audit.jsonl")
    assert [item async for item in log.read()] == []
    assert await log.verify() is None
    assert await log.unfinished() == []


async def test_only_this_user_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        log = AuditLog(tmp_path / "audit" / "audit.jsonl")
        await log.append(DEED, "intent", {})
        with log.path.open("ab") as file:
            file.write(b'{"torn')
        await log.append(DEED, "outcome", {})
    finally:
        os.umask(before)
    files = list(log.path.parent.iterdir())
    assert len(files) == 3  # log, side file, torn line
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


async def test_an_intent_without_an_outcome_is_unfinished(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    one, two, three = (digit * 32 for digit in "123")
    await log.append(one, "intent", {})
    lost = await log.append(two, "intent", {})
    await log.append(three, "outcome", {})  # of whose intent nothing is known
    await log.append(one, "progress", {})
    await log.append(one, "outcome", {"done": 1})
    assert await log.unfinished() == [lost]
    undo = await log.append(one, "undo-intent", {})
    await log.append(two, "outcome", {})
    assert await log.unfinished() == [undo]
    await log.append(one, "undo-outcome", {})
    assert await log.unfinished() == []


async def test_too_many_facts_at_once_are_refused(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    first = await log.append(DEED, "intent", {})
    with pytest.raises(AuditFailed, match=r"no more than 1 MiB at once"):
        await log.append(DEED, "progress", {"filler": "x" * audit.LONGEST})
    short = await log.append(DEED, "progress", {"filler": ""})
    room = audit.LONGEST - len(log.path.read_bytes().splitlines(keepends=True)[1])
    with pytest.raises(AuditFailed, match=r"no more than 1 MiB at once"):
        await log.append(DEED, "progress", {"filler": "x" * (room + 1)})
    longest = await log.append(DEED, "progress", {"filler": "x" * room})
    last = await log.append(DEED, "outcome", {})
    assert entries(log) == [first, short, longest, last]
    assert await log.verify() is None


# --- tampering ------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_is_reported(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    log = put(tmp_path, content, head)
    for place in range(len(content)):
        for mask in (1, 0x20):
            changed = bytearray(content)
            changed[place] ^= mask
            log.path.write_bytes(changed)
            assert any(isinstance(item, Broken) for item in log.walk()), (place, mask)


@FEW
@given(data=st.data())
def test_any_other_byte_anywhere_is_reported(data: st.DataObject, written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(content[place] != byte)
    log = put(tmp_path, content[:place] + bytes([byte]) + content[place + 1 :], head)
    found = broken(log)
    assert found
    assert found.line == content[:place].count(b"\n") + 1
    assert found.wrong in ("changed", "unreadable")


@FEW
@given(data=st.data())
def test_any_change_of_the_order_is_reported(data: st.DataObject, written: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Lines removed, written twice and moved, in whatever mixture."""
    lines = written[0].splitlines(keepends=True)
    mixed = data.draw(st.lists(st.sampled_from(lines), max_size=ENTRIES + 2))
    found = broken(put(tmp_path, b"".join(mixed), written[1]))
    assert (found is None) == (mixed == lines)
    if found and len(set(mixed)) < len(mixed):
        assert found.wrong in ("reordered", "missing")


def test_what_is_wrong_is_named(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    a, b, c, d, e = content.splitlines(keepends=True)
    cases = {
        (2, "missing"): [a, c, d, e],
        (1, "missing"): [b, c, d, e],
        (5, "missing"): [a, b, c, d],
        (2, "reordered"): [a, c, b, d, e],
        (3, "reordered"): [a, b, b, c, d, e],
        (2, "changed"): [a, b.replace(b'"done":1', b'"done":7'), c, d, e],
        (3, "changed"): [a, forged(b, facts={}), c, d, e],
        (4, "unreadable"): [a, b, c, b"\n", d, e],
        (5, "changed"): [a, b, c, d, forged(e, facts={})],
        (5, "unreadable"): [a, b, c, d, e[:-1]],
    }
    for (line, wrong), lines in cases.items():
        found = broken(put(tmp_path, b"".join(lines), head))
        assert found
        assert (found.line, found.wrong) == (line, wrong)
        assert found.text.endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"facts":NaN}',
        b"1" * 5000,
        b"\xff\xfe{\x00}\x00",
        "é".encode(),
        b"x" * (audit.LONGEST * 2),
        b"x" * (audit.LONGEST - 1),
    ],
    ids=lambda line: repr(line[:8]),
)
def test_foreign_lines_are_reported_and_the_rest_is_read(
    line: bytes, written: tuple[bytes, bytes], tmp_path: Path
) -> None:
    content, head = written
    first, rest = content.split(b"\n", 1)
    log = put(tmp_path, first + b"\n" + line + b"\n" + rest, head)
    found = list(log.walk())
    assert [item.line for item in found if isinstance(item, Broken)] == [2]
    assert len(found) == ENTRIES + 1


def test_a_fact_that_no_json_has_is_reported(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    found = broken(put(tmp_path, content.replace(b'"done":2', b'"done":NaN'), head))
    assert found
    assert (found.line, found.wrong) == (3, "unreadable")


# --- the side file --------------------------------------------------------------------------------------------------


def test_a_shortened_log_is_found_and_stays_found(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    lines = content.splitlines(keepends=True)
    for kept in range(ENTRIES):
        log = put(tmp_path, b"".join(lines[:kept]), head)
        found = broken(log)
        assert found
        assert (found.line, found.wrong) == (kept + 1, "missing")
        asyncio.run(log.append(DEED, "intent", {}))
        found = broken(log)
        assert found
        assert (found.line, found.wrong) == (kept + 1, "missing")
        assert entries(log)[-1].seq == ENTRIES + 1


def test_a_removed_log_is_found(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    log = put(tmp_path, *written)
    log.path.unlink()
    found = broken(log)
    assert found
    assert (found.line, found.wrong) == (1, "missing")


@pytest.mark.parametrize("head", [None, b"garbage", b"9" * 20 + b"\n", b"x" * 5000], ids=repr)
def test_a_side_file_that_tells_nothing_is_reported_and_made_anew(
    head: bytes | None, written: tuple[bytes, bytes], tmp_path: Path
) -> None:
    log = put(tmp_path, written[0], head or b"")
    if head is None:
        side(log).unlink()
    found = broken(log)
    assert found
    assert (found.line, found.wrong) == (ENTRIES + 1, "unreadable")
    asyncio.run(log.append(DEED, "intent", {}))
    assert broken(log) is None


def test_a_side_file_that_was_put_back_is_reported(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content = written[0]
    lines = [json.loads(line) for line in content.splitlines()]
    for behind, wrong in ((1, None), (2, "changed")):
        old = lines[-1 - behind]
        found = broken(put(tmp_path, content, f"{old['seq']:020d} {old['hash']}\n".encode()))
        assert (found and found.wrong) == wrong


@FEW
@given(place=st.integers(0, 85), byte=st.integers(0, 255))
def test_every_other_byte_in_the_side_file_is_reported(
    place: int, byte: int, written: tuple[bytes, bytes], tmp_path: Path
) -> None:
    content, head = written
    assume(head[place] != byte)
    assert broken(put(tmp_path, content, head[:place] + bytes([byte]) + head[place + 1 :]))


def test_the_chain_goes_on_behind_a_damaged_last_line(written: tuple[bytes, bytes], tmp_path: Path) -> None:
    content, head = written
    log = put(tmp_path, content[:-20] + b"#" * 19 + b"\n", head)
    asyncio.run(log.append(DEED, "intent", {}))
    assert [item.line for item in log.walk() if isinstance(item, Broken)] == [ENTRIES]
    assert entries(log)[-1].seq == ENTRIES + 1


@pytest.mark.parametrize(
    "content", [b"a diary\n", b"x" * (3 * audit.LONGEST), b"\n" + b"x" * (3 * audit.LONGEST) + b"\n"], ids=len
)
def test_a_foreign_file_is_not_added_to(content: bytes, tmp_path: Path) -> None:
    log = put(tmp_path, content, b"")
    with pytest.raises(
        AuditFailed, match=r"ends in what is no entry: move it and its .head file elsewhere before anything"
    ):
        asyncio.run(log.append(DEED, "intent", {}))
    assert log.path.read_bytes() == content


# --- the system -----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOCK_SECONDS", 0.05)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[AuditLog]:
    """A log that somebody else holds and does not let go."""
    log = put(tmp_path, b"", b"")
    with disk.open_private(side(log)) as file, disk.locked(file):
        yield log


@pytest.mark.usefixtures("no_patience")
async def test_a_frozen_holder_of_the_lock_is_not_waited_for_for_ever(held: AuditLog) -> None:
    said = r"^The audit log .*audit\.jsonl could not be written \(another inspector holds it and does not let go\)"
    with pytest.raises(AuditFailed, match=said):
        await held.append(DEED, "intent", {})
    with pytest.raises(AuditFailed, match=r"could not be read \(another inspector"):
        await held.verify()


async def test_what_cannot_be_a_log_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = AuditLog(tmp_path / "file" / "audit.jsonl")
    with pytest.raises(
        AuditFailed, match=r"could not be written \(.+\), and nothing may be .+: mend that, then try again\.$"
    ):
        await log.append(DEED, "intent", {})
    folder = AuditLog(tmp_path / "audit.jsonl")
    folder.path.mkdir()
    with pytest.raises(AuditFailed, match=r"could not be read \(.+\)\.$"):
        _ = [item async for item in folder.read()]


async def test_facts_that_json_cannot_hold_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    for facts in ({"a": float("nan")}, {"a": b"bytes"}):
        with pytest.raises((ValueError, TypeError)):
            await log.append(DEED, "intent", facts)
    assert entries(log) == []
