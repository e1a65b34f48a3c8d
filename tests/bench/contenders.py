"""Who reads every key of the server: this program, with and without its window, and those it is measured against."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.process import Figures, last_line, measure
from tests.servers import HOST, Server

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOR = "floor in C"
HEADLESS = "this program, no window"
WINDOW = "this program, in its window"

FAMILY = "installer_tokens"
"""The tab that is open meanwhile: the longest family."""

COUNT = 1000

_FLOOR_SOURCE = Path(__file__).with_name("floor.c")


@dataclass(frozen=True, slots=True)
class Contender:
    """`run` reads all keys of a server once; its figures hold at least `keys`, `wall` and `cpu` (the client's)."""

    name: str
    run: Callable[[Server], Figures]


def contenders(folder: Path, say: Callable[[str], None]) -> list[Contender]:
    """All that can be had on this machine; what is missing is told to `say`. `folder` takes what is compiled."""
    found: list[Contender] = []
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        say("No C compiler, so nothing is compared with the floor. Install one: apt-get install -y gcc libc6-dev")
    else:
        floor = folder / "floor"
        subprocess.run([compiler, "-O2", "-o", str(floor), str(_FLOOR_SOURCE)], check=True)
        found.append(Contender(FLOOR, partial(_floor, floor)))
    for program, options in (("valkey-cli", ("--count", str(COUNT))), ("redis-cli", ())):
        if path := shutil.which(program):
            name = " ".join((program, "--scan", *options))
            found.append(Contender(f"{name} (names only)", partial(_command_line, path, options)))
        elif program == "redis-cli":
            say("No redis-cli. Install it: apt-get install -y redis-tools")
    found.append(Contender(HEADLESS, lambda server: measure("inventory", server.port)))
    found.append(Contender(WINDOW, lambda server: measure("window", server.port, FAMILY)))
    return found


def run(contender: Contender, server: Server, keys: int) -> Figures:
    """One run, with the server's own CPU seconds as `server_cpu`. RuntimeError unless it read every key."""
    before = server_cpu(server)
    figures = contender.run(server)
    figures["server_cpu"] = server_cpu(server) - before
    if figures["keys"] < keys:  # SCAN may name a key twice
        raise RuntimeError(f"{contender.name} read {figures['keys']:g} of {keys} keys")
    return figures


def server_cpu(server: Server) -> float:
    """CPU seconds that the server has used so far."""
    info = server.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def _floor(program: Path, server: Server) -> Figures:
    figures: Figures = json.loads(last_line([str(program), str(server.port), str(COUNT)]))
    return figures


def _command_line(program: str, options: tuple[str, ...], server: Server) -> Figures:
    command = [program, "-h", HOST, "-p", str(server.port), "--scan", *options]
    with tempfile.TemporaryFile() as names:
        before, started = _children_cpu(), time.perf_counter()
        subprocess.run(command, stdout=names, check=True)
        wall, cpu = time.perf_counter() - started, _children_cpu() - before
        names.seek(0)
        return {"keys": sum(1 for _ in names), "wall": wall, "cpu": cpu}


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
