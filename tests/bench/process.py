"""A measured process: what it tells of itself, and how it reports to the one that started it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_TIMEOUT = 600.0


def peak_mb() -> float:
    """The most memory this process has held at once (resident), MB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not on Linux; there this counts in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = re.search(r"VmHWM:\s+(\d+) kB", status)  # ru_maxrss would begin with the parent's
    return int(found[1]) / 1000 if found else 0.0


def report(**figures: float) -> None:
    """Hand figures to `measure` in the process that started this one."""
    print(json.dumps(figures), flush=True)


def measure(module: str, *arguments: str | int, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run `python -m module` without a display; what it reported, and `spawned`: the monotonic time of its start."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **(environment or {})}
    return {"spawned": time.monotonic(), **output_of(command, variables)}


def output_of(command: list[str], variables: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON in the last line a command prints. RuntimeError with what it said when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=_TIMEOUT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
