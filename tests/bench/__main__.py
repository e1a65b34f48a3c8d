"""`python -m tests.bench [--quick] [--keys N] [--json FILE]`: measures this program against what is possible, on a
server of its own."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tests.bench.contenders import contenders, run
from tests.bench.population import Population, populate
from tests.bench.process import measure
from tests.bench.tables import Results, tables
from tests.servers import VALKEY, Server

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (10_000, 100_000, 1_000_000)
POLLED = 100_000
"""Keys of the server whose watching is measured."""

_ERRORS = Console(stderr=True, highlight=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `sizes` in keys, `repeats` of each reading, `starts` of the program, `seconds` of watching."""

    sizes: tuple[int, ...] = SIZES
    repeats: int = 5
    starts: int = 7
    seconds: float = 20.0


def bench(plan: Plan, say: Callable[[str], None]) -> Results:
    """Everything, one after another; whoever is compared takes turns, so that the machine's moods hit them alike."""
    with Server(VALKEY) as server, tempfile.TemporaryDirectory() as folder:
        results = Results(_machine(server))
        entrants = contenders(Path(folder), say)
        polled = POLLED if POLLED in plan.sizes else max(plan.sizes)
        for keys in sorted(plan.sizes):
            say(f"Writing {keys:,} keys")
            populate(server, Population(keys))
            if keys == min(plan.sizes):
                say("Starting the program")
                _start(server, plan, Path(folder), results)
            say(f"Reading {keys:,} keys, {plan.repeats} times each")
            told = results.reading[keys] = {entrant.name: [] for entrant in entrants}
            for _ in range(plan.repeats):
                for entrant in entrants:
                    told[entrant.name].append(run(entrant, server, keys))
            if keys == polled:
                say(f"Watching {keys:,} keys")
                results.polling[keys] = measure("polling", server.port, plan.seconds)
    return results


def _start(server: Server, plan: Plan, folder: Path, results: Results) -> None:
    for attempt in range(plan.starts + 1):
        bare = measure("minimal")
        start = measure("startup", server.url, XDG_CONFIG_HOME=str(folder))
        if attempt:  # the first one warmed the caches of files and of bytecode
            results.bare.append(bare)
            results.start.append(start)


def _machine(server: Server) -> dict[str, str]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.2f}",
        "server": server.name,
    }


def _plan() -> tuple[Plan, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 and 100,000 keys, fewer repeats")
    parser.add_argument("--keys", type=int, metavar="N", help="so many keys alone (at least 1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repeat's figures to FILE as well")
    given = parser.parse_args()
    if given.keys is not None and given.keys < 1000:
        parser.error("--keys must be at least 1000")
    plan = Plan(SIZES[:2], repeats=3, starts=3, seconds=8.0) if given.quick else Plan()
    return (dataclasses.replace(plan, sizes=(given.keys,)) if given.keys else plan), given.json


def main() -> None:
    plan, file = _plan()
    results = bench(plan, _ERRORS.print)
    console = Console(width=180)
    console.print(" · ".join(f"{name} {value}" for name, value in results.machine.items()), highlight=False)
    for title, table in tables(results):
        console.print(f"\n{title}", highlight=False)
        console.print(table)
    if file is not None:
        file.write_text(json.dumps(dataclasses.asdict(results), indent=1) + "\n")


if __name__ == "__main__":
    main()
