"""A measured process: what it tells of itself, and how it reports to the one that started it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from fleetcache_gui import clock

ROOT = Path(__file__).parents[2]
_TIMEOUT = 600.0

Figures = dict[str, float]
"""What one run told, by name: seconds, MB (10^6 bytes), milliseconds where the name ends in `_ms`, or a count."""


def peak_mb() -> float:
    """The most memory this process has held at once (resident)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not on Linux; there this counts in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = re.search(r"VmHWM:\s+(\d+) kB", status)  # ru_maxrss would begin with the parent's
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def report(**figures: float) -> None:
    """Hand figures to `measure` in the process that started this one."""
    print(json.dumps(figures), flush=True)


def measure(module: str, *arguments: str | float, **environment: str) -> Figures:
    """Run `python -m tests.bench.<module>` without a display; what it reported, and `spawned`, the monotonic time of
    its start."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start compiles everything anew
    return {"spawned": clock.now(), **json.loads(last_line(command, variables))}


def last_line(command: list[str], variables: dict[str, str] | None = None) -> str:
    """Run a command in the project's root; the last line it prints. RuntimeError with what it said when it fails."""
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=_TIMEOUT
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return str(done.stdout.splitlines()[-1])
