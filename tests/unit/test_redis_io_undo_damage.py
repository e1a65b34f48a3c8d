"""The undo bin with damaged, foreign and cut files, crashes, full disks: nothing unproved comes out, and it is said."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fleetcache_gui.redis_io import chunks, disk
from fleetcache_gui.redis_io.chunks import MAGIC, OVERHEAD, OnDisk, Part
from fleetcache_gui.redis_io.undo import BinFailed, Missing, Saved, UndoBin

if TYPE_CHECKING:
    from typing import IO

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
OTHER = bytes(32)
DEED = "a" * 32
FILE = f"{DEED}.undo"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SAVES = """
import asyncio, sys
from pathlib import Path
from fleetcache_gui.redis_io.undo import Saved, UndoBin

async def main():
    record = UndoBin(Path(sys.argv[1]), bytes(range(32))).begin("a" * 32, "Purge", {})
    for number in range(100_000):
        await record.save([Saved(b"key:%d" % number, "dump", b"x" * 5000)])
        print(number, flush=True)

asyncio.run(main())
"""

FULL = """
import asyncio, resource, sys
from pathlib import Path
from fleetcache_gui.redis_io.undo import BinFailed, Saved, UndoBin

async def main():
    undo = UndoBin(Path(sys.argv[1]), bytes(range(32)))
    record = undo.begin("a" * 32, "Purge", {})
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    saved = 0
    try:
        while True:
            await record.save([Saved(b"key:%d" % saved, "dump", b"x" * 1000)])
            saved += 1
    except BinFailed as error:
        print(saved, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await record.save([Saved(b"key:%d" % saved, "dump", b"x" * 1000)])
    await record.finish()

asyncio.run(main())
"""


def batch(number: int) -> list[Saved]:
    return [Saved(b"%d:%d" % (number, place), "dump", b"payload" * 5, None) for place in range(3)]


_LOST = "3 keys cannot be put back: what was kept of them is damaged, or was encrypted with another key."
ALL = [item for number in range(3) for item in batch(number)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a deed with three chunks of three keys each, an end, and one key put back."""
    folder = tmp_path_factory.mktemp("whole")

    async def write() -> None:
        undo = UndoBin(folder, KEY)
        record = undo.begin(DEED, "Purge", {"address": "localhost"})
        for number in range(3):
            await record.save(batch(number))
        await record.finish()
        await undo.mark(DEED, [b"0:1"])

    asyncio.run(write())
    return (folder / FILE).read_bytes()


def load(folder: Path, key: bytes | None = KEY, deed: str = DEED) -> tuple[list[Saved], Missing | None]:
    async def read() -> list[Saved | Missing]:
        return [item async for item in UndoBin(folder, key).load(deed)]

    found = asyncio.run(read())
    missing = [item for item in found if isinstance(item, Missing)]
    assert missing in ([], found[-1:])
    return [item for item in found if isinstance(item, Saved)], missing[0] if missing else None


def trouble(folder: Path, key: bytes | None = KEY) -> str:
    (entry,) = asyncio.run(UndoBin(folder, key).entries())
    return entry.trouble


def use_everything(folder: Path, key: bytes | None = KEY) -> None:
    """Nothing of this raises anything but `BinFailed`."""
    undo = UndoBin(folder, key)
    assert len(asyncio.run(undo.entries())) == 1
    with contextlib.suppress(BinFailed):
        asyncio.run(undo.mark(DEED, [b"1:1"]))
    load(folder, key)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_costs_its_chunk_and_is_said(whole: bytes, tmp_path: Path) -> None:
    offered = [item for item in ALL if item.key != b"0:1"]
    assert whole.count(b"S") >= 3
    ends = [chunk.end for chunk in _chunks(whole, tmp_path)]
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / FILE).write_bytes(damaged)
        found, missing = load(tmp_path)
        assert all(item in ALL for item in found)
        if place < len(MAGIC):
            assert (found, missing and missing.keys) == ([], None)
            assert "not written by this program" in trouble(tmp_path)
        elif place < ends[0]:  # the header: at worst its length
            assert found in (offered, [])
            assert "cannot be opened" in trouble(tmp_path)
        elif place >= ends[-2]:  # what was put back: offered once more, and never written over
            assert found == ALL
            assert missing is None or "were put back already" in missing.text
        else:
            assert missing
            assert (missing.keys in (3, 6, 9)) != ("has no end" in missing.text)
            assert all(item in offered or item.key == b"0:1" for item in found)


def _chunks(raw: bytes, folder: Path) -> list[chunks.Chunk]:
    (folder / FILE).write_bytes(raw)
    return OnDisk(folder, KEY).chunks(DEED)


@FEW
@given(data=st.data())
def test_any_damage_is_survived(data: st.DataObject, whole: bytes, tmp_path: Path) -> None:
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 200)))
    raw = whole[:start] + data.draw(st.binary(max_size=60)) + whole[end:]
    assume(raw != whole)
    (tmp_path / FILE).write_bytes(raw)
    found, _ = load(tmp_path)
    assert all(item in ALL for item in found)
    assert len(found) == len({item.key for item in found})
    use_everything(tmp_path)


def test_a_file_cut_at_any_byte_gives_what_is_whole(whole: bytes, tmp_path: Path) -> None:
    ends = [chunk.end for chunk in _chunks(whole, tmp_path)]
    for length in range(len(whole)):
        (tmp_path / FILE).write_bytes(whole[:length])
        found, missing = load(tmp_path)
        number = sum(end <= length for end in ends[1:4])
        assert found == ALL[: 3 * number]
        if length < ends[4]:
            assert missing
            assert missing.keys is None
            assert ("has no end" if length >= ends[0] else "cannot be opened") in missing.text
        else:  # of what was put back nothing is known any more
            assert missing is None
        if length % 5 == 0:
            use_everything(tmp_path)


def test_chunks_cannot_be_moved(whole: bytes, tmp_path: Path) -> None:
    _, a, b, *_ = places = _chunks(whole, tmp_path)
    (tmp_path / FILE).write_bytes(whole[: a.start] + whole[b.start : b.end] + whole[a.start : a.end] + whole[b.end :])
    found, missing = load(tmp_path)
    assert found == ALL[6:]
    assert missing
    assert missing.keys == 6
    assert missing.text.startswith("6 keys cannot be put back: ")
    (tmp_path / FILE).write_bytes(whole[: a.start] + whole[a.end :])
    assert load(tmp_path)[0] == []
    other = "b" * 32
    (tmp_path / f"{other}.undo").write_bytes(whole)
    found, missing = load(tmp_path, deed=other)
    assert found == []
    assert missing
    assert missing.text.startswith("This cannot be opened with the key of this run, or is damaged; ")
    assert len(places) == 6


def test_a_chunk_that_is_too_short_for_a_tag_is_damaged(whole: bytes, tmp_path: Path) -> None:
    header = whole[: _chunks(whole, tmp_path)[0].end]
    head = chunks._HEAD.pack(b"S", 7, 3, bytes(12))
    crc = chunks._CRC.pack(zlib.crc32(head))
    (tmp_path / FILE).write_bytes(header + head + crc + b"abc")
    found, missing = load(tmp_path)
    assert found == []
    assert missing
    assert missing.text.startswith("7 keys cannot be put back: ")
    assert missing.text.endswith(" Compare it with the audit log.")


def test_nothing_is_written_behind_a_damaged_head(whole: bytes, tmp_path: Path) -> None:
    """It might be written over what somebody can still mend."""
    damaged = bytearray(whole)
    damaged[_chunks(whole, tmp_path)[2].start + 8] ^= 1
    (tmp_path / FILE).write_bytes(damaged)
    with pytest.raises(BinFailed, match=r"^The undo bin could not be written \(the file is damaged\)\.$"):
        asyncio.run(UndoBin(tmp_path, KEY).mark(DEED, [b"0:0"]))
    assert (tmp_path / FILE).read_bytes() == damaged


@pytest.mark.parametrize("key", [OTHER, None], ids=["another", "none"])
def test_without_its_key_a_file_is_reported_and_left_alone(key: bytes | None, whole: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(whole)
    assert "cannot be opened with the key of this run" in trouble(tmp_path, key)
    found, missing = load(tmp_path, key)
    assert found == []
    assert missing
    assert missing.text.startswith("This cannot be opened with the key of this run, or is damaged; ")
    with pytest.raises(BinFailed, match="cannot be opened"):
        asyncio.run(UndoBin(tmp_path, key).mark(DEED, [b"0:0"]))
    assert (tmp_path / FILE).read_bytes() == whole


def test_what_is_no_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert trouble(tmp_path) == "The file cannot be read (Is a directory)."
    found, missing = load(tmp_path)
    assert (found, missing) == ([], Missing("The file cannot be read (Is a directory).", None))
    undo = UndoBin(tmp_path, KEY)
    with pytest.raises(BinFailed, match="could not be written"):
        asyncio.run(undo.mark(DEED, [b"0:0"]))
    with pytest.raises(BinFailed, match=r"^The undo bin could not be cleared \(.+\)\.$"):
        asyncio.run(undo.forget(DEED))


def test_a_bin_that_is_no_folder_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "undo").write_text("")
    undo = UndoBin(tmp_path / "undo", KEY)
    with pytest.raises(BinFailed, match=r"^The undo bin cannot be read \(.+\)\.$"):
        asyncio.run(undo.entries())
    with pytest.raises(BinFailed, match=r"^The undo bin could not be written \(.+\)\.$"):
        asyncio.run(undo.begin(DEED, "", {}).save(batch(0)))


async def test_one_file_that_cannot_be_removed_does_not_keep_the_others(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, KEY)
    for _ in range(3):
        await undo.begin(uuid4().hex, "", {}).save(batch(0))
    (tmp_path / FILE).mkdir()
    with pytest.raises(BinFailed, match="could not be cleared"):
        await undo.wipe_expired(2.0**40)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


# --- two at once, and crashes -----------------------------------------------------------------------------------------


async def test_two_inspectors_use_one_folder(tmp_path: Path) -> None:
    one, two = UndoBin(tmp_path, KEY), UndoBin(tmp_path, KEY)
    record = one.begin(DEED, "Purge", {})
    await record.save(batch(0))
    assert [entry.deed for entry in await two.entries()] == [DEED]
    await asyncio.gather(*(undo.mark(DEED, [item.key]) for undo in (one, two) for item in batch(0)[:2]))
    await record.save(batch(1))  # behind what the other wrote
    await record.finish()
    assert [item async for item in two.load(DEED)] == [*batch(0)[2:], *batch(1)]
    third = two.load(DEED)
    first = await anext(third)
    await one.forget(DEED)
    assert [first, *[item async for item in third]][:2] == [*batch(0)[2:], Missing(_LOST, 3)]


async def test_a_file_that_vanishes_while_the_list_is_made_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo = UndoBin(tmp_path, KEY)
    await undo.begin(DEED, "", {}).save(batch(0))
    real = OnDisk.deeds

    def deeds(self: OnDisk) -> list[str]:
        return [*real(self), "b" * 32]

    monkeypatch.setattr(OnDisk, "deeds", deeds)
    assert [entry.deed for entry in await undo.entries()] == [DEED]


async def test_saves_at_once_do_not_mix(tmp_path: Path) -> None:
    """As after a cancelled one, which goes on in its thread."""
    undo = UndoBin(tmp_path, KEY)
    record = undo.begin(DEED, "", {})
    await asyncio.gather(*(record.save(batch(number)) for number in range(20)))
    await record.finish()
    found = [item async for item in undo.load(DEED)]
    assert {item.key for item in found if isinstance(item, Saved)} == {
        item.key for number in range(20) for item in batch(number)
    }
    assert len(found) == 60


def test_killed_in_the_midst_of_saving(tmp_path: Path) -> None:
    """What was said to be safe is there."""
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", SAVES, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as program:
            assert program.stdout
            lines = [program.stdout.readline() for _ in range(7)]
            program.kill()
            lines += program.stdout.readlines()
        promised = [b"key:%d" % int(line) for line in lines]
        found, missing = load(tmp_path)
        assert [item.key for item in found][: len(promised)] == promised
        assert missing
        assert missing.text.startswith("The record has no end: ")
        use_everything(tmp_path)
        (tmp_path / FILE).unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
@pytest.mark.parametrize("room", [5, 30, 900, 5000])
def test_a_full_disk_is_told_and_what_was_safe_stays(room: int, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path, str(room)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    count, text = done.stdout.strip().split(" ", 1)
    assert int(count) == room // 1100
    assert text.startswith("The undo bin could not be written (")
    found, missing = load(tmp_path)
    assert [item.key for item in found] == [b"key:%d" % number for number in range(int(count) + 1)]
    assert missing is None


async def test_a_write_that_half_succeeds_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = OnDisk(tmp_path, KEY)

    def half(file: IO[bytes], content: bytes) -> None:
        file.write(content[: len(content) // 2])
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "write_synced", half)
        with pytest.raises(OSError, match="Input/output"):
            place.begin(DEED, [Part(b"S", 1, b"x")])
    assert list(tmp_path.iterdir()) == []
    place.begin(DEED, [Part(b"S", 1, b"x")])
    before = (tmp_path / FILE).read_bytes()
    assert len(before) == len(MAGIC) + OVERHEAD + 1
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write_synced", half)
        with pytest.raises(OSError, match="Input/output"):
            place.append(DEED, [Part(b"S", 1, b"y" * 100)])
    assert (tmp_path / FILE).read_bytes() == before
