"""A recording on disk is good up to the byte at which it was torn."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.present import bundle
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.redis_io import journal
from fleetcache_gui.redis_io.journal import KEPT, SUFFIX, Journal, parts

if TYPE_CHECKING:
    from pathlib import Path

LINES = [b"reading %d " % number + os.urandom(30).hex().encode() for number in range(20)]


def lines(path: Path) -> list[bytes]:
    """The whole ones."""
    return b"".join(parts(path)).split(b"\n")[:-1]


def written(folder: Path) -> Path:
    kept = Journal(folder, b"head")
    for number, line in enumerate(LINES):
        kept.add(line, anew=number == 0)
    kept.close()
    (path,) = folder.iterdir()
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "recordings")
    assert lines(path) == [b"head", *LINES]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_wherever_it_is_torn_the_whole_lines_before_are_good(tmp_path: Path) -> None:
    whole = written(tmp_path / "recordings").read_bytes()
    path = tmp_path / f"torn{SUFFIX}"
    last = 0
    for cut in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:cut])
        found = lines(path)
        assert found == [b"head", *LINES][: len(found)]
        assert len(found) >= last
        last = len(found)
    assert last >= len(LINES)


def test_it_outlives_a_program_that_ends_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from fleetcache_gui.redis_io.journal import Journal\n"
        "kept = Journal(Path(sys.argv[1]), b'head')\n"
        "for number in range(5): kept.add(b'%d' % number, anew=number == 0)\n"
        "os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 9
    (path,) = tmp_path.iterdir()
    assert lines(path) == [b"head", b"0", b"1", b"2", b"3", b"4"]


def test_a_file_begins_with_a_reading_that_tells_everything(tmp_path: Path) -> None:
    kept = Journal(tmp_path, b"head")
    kept.add(b"a change", anew=False)
    assert list(tmp_path.iterdir()) == []
    kept.add(b"everything", anew=True)
    kept.close()
    (path,) = tmp_path.iterdir()
    assert lines(path) == [b"head", b"everything"]


def test_a_large_file_is_followed_by_another_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST", 100)
    kept = Journal(tmp_path, b"head")
    for number in range(12):
        kept.add(b"everything %d " % number + os.urandom(80).hex().encode(), anew=True)
    kept.close()
    found = sorted(tmp_path.iterdir())
    assert len(found) == KEPT
    firsts = [lines(path)[1].split()[1] for path in found]
    assert sorted(firsts) == [b"10", b"11", b"8", b"9"]


def test_what_is_no_recording_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / f"x{SUFFIX}"
    for raw in (b"", b"no recording", zlib.compress(b"{}\n"), zlib.compress(b'{"format": 1}\n')):
        path.write_bytes(raw)
        with pytest.raises(BadRecording):
            bundle.of_journal(path.name, parts(path), PINNED)


@pytest.mark.parametrize(("content", "limit"), [(b"\n" * (8 << 20), "LARGEST"), (b" " * (8 << 20), "LONGEST_LINE")])
def test_one_that_unfolds_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, limit: str
) -> None:
    monkeypatch.setattr(bundle, limit, 1 << 20)
    path = tmp_path / f"x{SUFFIX}"
    path.write_bytes(zlib.compress(content))
    with pytest.raises(BadRecording, match="unfolds to more"):
        bundle.of_journal(path.name, parts(path), PINNED)
