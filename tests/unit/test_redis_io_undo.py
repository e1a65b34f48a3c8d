"""The undo bin: what is saved comes back byte for byte, within the limits, for some time, and for nobody else."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetcache_gui.redis_io.chunks import MAGIC
from fleetcache_gui.redis_io.undo import BinFailed, BinFull, Limits, Missing, Saved, UndoBin

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
CANARY = "c4n4ry-7f3e"
SERVER = {"address": f"{CANARY}.example.com:6379 db 0", "run_id": "9" * 40}
HOMES = pytest.mark.parametrize("key", [KEY, None], ids=["disk", "memory"])

ITEMS = st.lists(
    st.builds(
        Saved,
        st.binary(max_size=12),
        st.sampled_from(["dump", "members", "list", "stream", "pending", "ü"]),
        st.binary(max_size=200),
        st.none() | st.integers(-(2**62), 2**62),
    ),
    min_size=1,
    max_size=8,
)


def items(count: int, size: int = 20, start: int = 0) -> list[Saved]:
    names = range(start, start + count)
    return [Saved(b"lock:%d" % n, "dump", (b"\0\xff%d" % n).ljust(size, b"."), 2**40 + n) for n in names]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


async def loaded(undo: UndoBin, deed: str) -> tuple[list[Saved], Missing | None]:
    found = [item async for item in undo.load(deed)]
    missing = found.pop() if found and isinstance(found[-1], Missing) else None
    assert all(isinstance(item, Saved) for item in found)
    return [item for item in found if isinstance(item, Saved)], missing


async def kept(undo: UndoBin, *batches: list[Saved], deed: str = "", title: str = "Release 2 locks") -> str:
    record = undo.begin(deed or uuid4().hex, title, SERVER)
    for batch in batches:
        await record.save(batch)
    await record.finish()
    return record.deed


# --- round trips ----------------------------------------------------------------------------------------------------


@HOMES
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ITEMS, min_size=1, max_size=4))
def test_what_is_saved_comes_back_in_order(batches: list[list[Saved]], key: bytes | None, tmp_path: Path) -> None:
    async def both() -> None:
        undo = UndoBin(tmp_path, key)
        deed = await kept(undo, *batches)
        later = UndoBin(tmp_path, key) if key else undo
        assert await loaded(later, deed) == ([item for batch in batches for item in batch], None)

    asyncio.run(both())


@HOMES
async def test_the_list_tells_what_is_kept(key: bytes | None, tmp_path: Path) -> None:
    undo = UndoBin(tmp_path / "data" / "undo", key, Limits(age=60.0))
    assert await undo.entries() == []
    record = undo.begin("a" * 32, "Release 3 locks", SERVER)
    assert await undo.entries() == []
    await record.finish()  # of nothing
    assert await undo.entries() == []
    await record.save([])
    await record.save(items(3))
    (entry,) = await undo.entries()
    assert not entry.finished
    await record.finish()
    other = await kept(undo, [Saved(b"q", "list", b"1"), Saved(b"q", "list", b"2")], [Saved(b"q", "list", b"3")])
    newest, oldest = await undo.entries()
    assert (newest.deed, oldest.deed) == (other, "a" * 32)
    assert (newest.keys, oldest.keys) == (1, 3)  # three parts of one key
    assert (oldest.title, oldest.server, oldest.put_back) == ("Release 3 locks", SERVER, 0)
    assert oldest.goes - oldest.at == pytest.approx(60.0)
    assert oldest.finished
    assert oldest.trouble == ""
    assert undo.kept_in == record.kept_in == oldest.kept_in == ("disk" if key else "memory")
    if key:
        assert oldest.size == len(content(tmp_path / "data" / "undo")[f"{'a' * 32}.undo"])
    else:
        assert oldest.size > 0
        assert not (tmp_path / "data").exists()


@HOMES
async def test_what_was_put_back_is_not_offered_again(key: bytes | None, tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, key)
    deed = await kept(undo, items(4), [Saved(b"q", "list", b"1"), Saved(b"q", "list", b"2")])
    await undo.mark(deed, [b"lock:1", b"q", b"q"])
    assert (await loaded(undo, deed))[0] == [item for item in items(4) if item.key != b"lock:1"]
    await undo.mark(deed, [b"lock:0"])
    assert await loaded(undo, deed) == (items(2, start=2), None)
    (entry,) = await undo.entries()
    assert (entry.keys, entry.put_back, entry.finished) == (5, 3, True)


@HOMES
async def test_what_is_forgotten_is_gone(key: bytes | None, tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, key)
    deed = await kept(undo, items(2))
    record = undo.begin(uuid4().hex, "Release a lock", SERVER)
    await record.save(items(1))
    for name in (deed, record.deed, uuid4().hex):
        await undo.forget(name)
    assert await undo.entries() == []
    assert content(tmp_path) == {}
    found, missing = await loaded(undo, deed)
    assert (found, missing and missing.keys) == ([], None)
    assert missing
    assert missing.text == "Nothing is kept for this deed any more: its time was over, or it was removed."
    await undo.mark(deed, [b"lock:0"])
    assert content(tmp_path) == {}
    with pytest.raises(BinFailed, match=r"^The undo bin could not be written \(No such file or directory\)\.$"):
        await record.save(items(1))


async def test_a_deed_is_no_path(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path / "undo", KEY)
    (tmp_path / "x.undo").write_text("")
    for name in ("../x", "", "A" * 32, "a" * 31, "a" * 32 + "\n"):
        with pytest.raises(ValueError, match="uuid4"):
            undo.begin(name, "", {})
        with pytest.raises(ValueError, match="uuid4"):
            await undo.forget(name)
    assert (tmp_path / "x.undo").exists()


async def test_a_deed_is_begun_once(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, KEY)
    deed = await kept(undo, items(2))
    with pytest.raises(BinFailed, match="File exists"):
        await kept(undo, items(1), deed=deed)
    assert await loaded(undo, deed) == (items(2), None)


# --- secrets --------------------------------------------------------------------------------------------------------


async def test_nothing_of_it_can_be_read_without_the_key(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        undo = UndoBin(tmp_path / "undo", KEY)
        name = f"installer:{CANARY}".encode()
        deed = await kept(undo, [Saved(name, CANARY, CANARY.encode() * 99)], title=f"Revoke {CANARY}")
        await undo.mark(deed, [name])
    finally:
        os.umask(before)
    files = content(tmp_path / "undo")
    assert len(files) == 1
    assert not any(CANARY.encode() in text or CANARY in path for path, text in files.items())
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "undo").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "undo").stat().st_mode) == 0o700


async def test_nothing_secret_is_in_a_repr(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, KEY)
    await kept(undo, [Saved(CANARY.encode(), "dump", CANARY.encode())], title=CANARY)
    (entry,) = await undo.entries()
    shown = repr((entry.title and entry, Saved(CANARY.encode(), "dump", CANARY.encode()), undo))
    assert CANARY not in shown.replace(repr(SERVER), "")
    assert repr(KEY) not in shown


async def test_no_two_files_or_chunks_are_alike(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, KEY)
    for _ in range(3):
        await kept(undo, items(1, 2000), items(1, 2000))
    pieces = [text[at : at + 16] for text in content(tmp_path).values() for at in range(len(MAGIC), len(text) - 16)]
    assert len(pieces) == len(set(pieces))


# --- limits ---------------------------------------------------------------------------------------------------------


def test_the_usual_limits() -> None:
    assert Limits() == Limits(deed_bytes=64 * 1024 * 1024, all_bytes=256 * 1024 * 1024, age=86_400.0)


@HOMES
async def test_beyond_the_limits_nothing_is_written(key: bytes | None, tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, key, Limits(deed_bytes=3000, all_bytes=5000))
    record = undo.begin(uuid4().hex, "Purge", SERVER)
    with pytest.raises(BinFull, match=r"^The undo bin keeps at most 2\.9 KB of one deed: choose fewer keys at once\.$"):
        await record.save(items(1, 3000))
    assert content(tmp_path) == {}
    await record.save(items(1, 2000))
    before = content(tmp_path)
    with pytest.raises(BinFull):
        await record.save(items(1, 2000))
    assert content(tmp_path) == before
    assert [entry.keys for entry in await undo.entries()] == [1]
    await record.save(items(1, 200))  # less does fit
    other = undo.begin(uuid4().hex, "Purge", SERVER)
    with pytest.raises(BinFull, match=r"keeps at most 4\.9 KB in all: remove deeds that need not be undone\.$"):
        await other.save(items(1, 2700))
    await undo.forget(record.deed)
    await other.save(items(1, 2700))
    assert (await loaded(undo, other.deed))[0] == items(1, 2700)


async def test_the_limit_of_a_deed_is_exact(tmp_path: Path) -> None:
    await UndoBin(tmp_path / "measured", KEY).begin(uuid4().hex, "Purge", SERVER).save(items(5))
    (whole,) = content(tmp_path / "measured").values()
    for less in (0, 1):
        undo = UndoBin(tmp_path / str(less), KEY, Limits(deed_bytes=len(whole) - less))
        record = undo.begin(uuid4().hex, "Purge", SERVER)
        if less:
            with pytest.raises(BinFull):
                await record.save(items(5))
        else:
            await record.save(items(5))
            await record.finish()  # for which there is always room
            assert await loaded(undo, record.deed) == (items(5), None)


async def test_in_memory_a_record_counts_as_much_as_on_the_disk(tmp_path: Path) -> None:
    sizes = []
    for key in (KEY, None):
        undo = UndoBin(tmp_path, key)
        await kept(undo, items(3), items(4))
        sizes += [entry.size for entry in await undo.entries() if entry.kept_in == undo.kept_in]
    assert sizes[1] == sizes[0] - len(MAGIC)


# --- time -----------------------------------------------------------------------------------------------------------


@HOMES
async def test_what_is_over_is_wiped(key: bytes | None, tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, key, Limits(age=100.0))
    early = await kept(undo, items(1))
    (entry,) = await undo.entries()
    late = await kept(UndoBin(tmp_path, key, Limits(age=500.0)) if key else undo, items(1))
    assert await undo.wipe_expired(entry.goes - 0.001) == 0
    assert await undo.wipe_expired(entry.goes) == 1
    assert [entry.deed for entry in await undo.entries()] == [late]
    assert await undo.wipe_expired(entry.goes + 401.0) == 1
    assert await undo.entries() == []
    assert content(tmp_path) == {}
    assert early != late


async def test_files_of_crashed_runs_are_wiped_and_foreign_ones_are_not(tmp_path: Path) -> None:
    undo = UndoBin(tmp_path, KEY, Limits(age=100.0))
    crashed = undo.begin("a" * 32, "Purge", SERVER)
    await crashed.save(items(3))
    whole = (tmp_path / f"{'a' * 32}.undo").read_bytes()
    for name, text in {"b": whole[:-5], "c": whole[:20], "d": whole[:3], "e": b"", "f": b"a diary of mine"}.items():
        (tmp_path / f"{name * 32}.undo").write_bytes(text)
    await kept(UndoBin(tmp_path, bytes(32)), items(1), deed="0" * 32)
    foreign = {"notes.txt", "short.undo", f"{'f' * 32}.undo", f"{'a' * 32}.undo.bak"}
    for name in foreign - {f"{'f' * 32}.undo"}:
        (tmp_path / name).write_text("mine")
    found = await undo.entries()
    assert sorted(entry.deed[0] for entry in found) == list("0abcdef")
    assert {entry.deed[0] for entry in found if not entry.trouble} == {"a"}
    now = max(entry.at for entry in found)
    assert await undo.wipe_expired(now) == 0
    assert await undo.wipe_expired(now + 101.0) == 6
    assert set(content(tmp_path)) == foreign
