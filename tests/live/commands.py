"""The program as a shell starts it: output, exit code, and nothing left running by the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "fleetcache_gui"]
CANARY = "hunter2"
"""A password that no output may hold."""


class Done:
    """A command that has ended."""

    def __init__(self, process: subprocess.Popen[bytes], stdout: bytes, stderr: bytes) -> None:
        self.code = process.returncode
        self.out, self.err = stdout.decode(), stderr.decode()

    def failed(self) -> str:
        """Its one sentence or two; exit code 2, no credential in it."""
        assert self.code == 2, self.err
        assert CANARY not in self.out
        assert re.fullmatch(r"fleetcache-gui: [^\n]+\.\n", self.err), self.err
        assert "Traceback" not in self.err
        assert CANARY not in self.err
        return self.err


def start(*args: str, folder: str = ".", **env: str) -> subprocess.Popen[bytes]:
    # The prompt for a password needs a terminal, and a test must not find the one it was started from.
    environment = {**os.environ, **env}
    return subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Killed with the block if it has not ended by itself."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes]) -> Done:
    return Done(process, *process.communicate(timeout=100))


def run(*args: str, **env: str) -> Done:
    return end(start(*args, **env))


def run_all(*commands: tuple[str, ...]) -> list[Done]:
    """All at once: most of their time is Python's start."""
    return [end(process) for process in [start(*command) for command in commands]]


def some(process: subprocess.Popen[bytes], size: int) -> bytes:
    """The first `size` bytes of its output, or a few more."""
    assert process.stdout is not None
    found = b""
    while len(found) < size:
        found += os.read(process.stdout.fileno(), size)
    return found
