"""What the stores need of the system: who runs them, files of one's own, one holder of a lock at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fleetcache_gui.redis_io import disk

ROOT = Path(__file__).parents[2]

HOLDS = """
import sys
from pathlib import Path
from fleetcache_gui.redis_io import disk

with disk.open_private(Path(sys.argv[1])) as file, disk.locked(file):
    print("held", flush=True)
    sys.stdin.readline()
"""


def held(path: Path) -> bool:
    """Whether somebody holds the lock just now."""
    try:
        with disk.open_private(path) as file, disk.locked(file):
            return False
    except TimeoutError:
        return True


def test_the_lock_of_a_killed_program_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOCK_SECONDS", 0.0)
    path = tmp_path / "lock"
    path.touch()
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDS, path], cwd=ROOT, stdin=pipe, stdout=pipe) as program:
        assert program.stdout
        assert program.stdout.readline() == b"held\n"
        assert held(path)
        program.kill()
    assert not held(path)


def test_a_lock_holds_between_threads_and_is_waited_for(tmp_path: Path) -> None:
    inside, most = 0, 0
    path = tmp_path / "lock"
    path.touch()
    looked = threading.Barrier(4)

    def work() -> None:
        nonlocal inside, most
        looked.wait(10)
        for _ in range(10):
            with disk.open_private(path) as file, disk.locked(file):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_write_is_whole_or_an_error(tmp_path: Path) -> None:
    class Half:
        def write(self, content: bytes) -> int:
            return len(content) - 1

    with pytest.raises(OSError, match="No space left on device"):
        disk.write_synced(Half(), b"abc")  # type: ignore[arg-type]
    with disk.open_private(tmp_path / "file", make=True) as file:
        disk.write_synced(file, b"abc")
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_file_is_made_only_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open_private(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the name comes from variables there")
def test_the_user_is_who_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setenv("LOGNAME", "somebody else")
    assert disk.user() == pwd.getpwuid(os.getuid()).pw_name

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert disk.user() == f"uid {os.getuid()}"


def test_texts_for_a_sentence() -> None:
    assert disk.named(Path("/a\n\u202e/\udcff")) == r"/a\n\u{202e}/\xff"
    assert disk.reason(OSError(28, "No space left on device", "/secret")) == "No space left on device"
    assert disk.reason(OSError("only a text")) == "OSError"
