"""A name server that swallows every question: told of, and the program ends at once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import asyncio, socket
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.server import Server

swallows = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
swallows.bind(("127.0.0.9", 53))

async def main():
    try:
        await Server.connect(Address("cache.example.com"))
    except Trouble as trouble:
        print(trouble.text)

asyncio.run(main())
"""


def test_a_name_server_that_swallows_questions(tmp_path: Path) -> None:
    apart = ["unshare", "--mount", "--net"]
    try:
        subprocess.run([*apart, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody have a network of their own")
    hole = tmp_path / "resolv.conf"
    hole.write_text("nameserver 127.0.0.9\noptions timeout:30 attempts:3\n")
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    script = f"ip link set lo up && mount --bind {hole} /etc/resolv.conf && exec {sys.executable} {program}"
    environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([*apart, "sh", "-c", script], capture_output=True, text=True, timeout=60, env=environ)
    (said,) = done.stdout.splitlines()
    assert done.stderr == ""
    assert said == "No name server told where cache.example.com is."
