"""The results as tables and as goals met or missed. All are medians of the repeats of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from tests.bench.contenders import FLOOR, HEADLESS, WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.process import Figures

_NONE = "–"
_FRAME = 25.0


@dataclass(slots=True)
class Results:
    """Everything measured in one run; as JSON it is `dataclasses.asdict` of this, each repeat by itself.

    `reading`: by number of keys and contender. `polling`: parts of one core. `bare` and `start`: the starts of the
    least that PySide6 can show, and of the program.
    """

    machine: dict[str, str]
    reading: dict[int, dict[str, list[Figures]]] = field(default_factory=dict)
    polling: dict[int, Figures] = field(default_factory=dict)
    bare: list[Figures] = field(default_factory=list)
    start: list[Figures] = field(default_factory=list)

    def middle(self, keys: int, contender: str, figure: str) -> float | None:
        """The median of a figure over the repeats, None where it was not measured."""
        runs = self.reading.get(keys, {}).get(contender, [])
        values = [run[figure] for run in runs if figure in run]
        return median(values) if values else None


def _number(value: float | None, digits: int = 2) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"


def _ratio(value: float | None, measure: float | None) -> str:
    return _NONE if not value or not measure else f"{value / measure:.2f}"


def _after(runs: list[Figures], figure: str) -> list[float]:
    """Milliseconds from each process's start to a moment it told."""
    return [1000 * (run[figure] - run["spawned"]) for run in runs]


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return _NONE
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def _table(*columns: str) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def reading_table(results: Results, keys: int) -> Table:
    """Who read all keys how fast, and what that took."""
    table = _table(
        *("wall s (min–max)", "× floor", "client µs/key", "server µs/key"),
        *("longest gap ms", "of it work ms", "p99 gap ms", "peak MB"),
    )
    floor = results.middle(keys, FLOOR, "wall")
    for name, runs in results.reading[keys].items():

        def middle(figure: str, name: str = name) -> float | None:
            return results.middle(keys, name, figure)

        table.add_row(
            name,
            _spread([run["wall"] for run in runs], 2),
            _ratio(middle("wall"), floor),
            _number(1e6 * (middle("cpu") or 0.0) / keys),
            _number(1e6 * (middle("server_cpu") or 0.0) / keys),
            _number(middle("gap_ms"), 1),
            _number(middle("work_ms"), 1),
            _number(middle("p99_ms"), 1),
            _number(middle("peak_mb"), 0),
        )
    return table


def polling_table(results: Results, keys: int) -> Table:
    """What watching costs, beyond what the server uses by itself."""
    figures = results.polling[keys]
    table = _table("% of one core")
    table.add_row("the server, left alone", _number(100 * figures["idle"], 3))
    table.add_row("sweeps, more than that", _number(100 * (figures["sweeping"] - figures["idle"]), 3))
    polling = 100 * (figures["both"] - figures["sweeping"])
    table.add_row(f"polls at {figures['polls']:.2f} Hz, more than both", _number(polling, 3))
    table.add_row("this program, for all of it", _number(100 * figures["client"], 3))
    return table


def start_table(results: Results) -> Table:
    """From the start of a process to what it first paints."""
    bare = _after(results.bare, "painted")
    table = _table("ms (min–max)", "× the least")
    table.add_row("the least that PySide6 can show", _spread(bare, 0), "1.00")
    for title, figure in (("the window's first paint", "painted"), ("the first rows of a live server", "rows")):
        values = _after(results.start, figure)
        table.add_row(title, _spread(values, 0), _ratio(median(values), median(bare)))
    return table


def _goals(results: Results) -> Iterator[tuple[str, float | None, float]]:
    """Goal, what was measured, and the most that it may be."""
    if results.reading:
        keys = max(results.reading)
        wall, floor = results.middle(keys, HEADLESS, "wall"), results.middle(keys, FLOOR, "wall")
        yield f"{keys:,} keys, × floor", wall / floor if wall and floor else None, 2.0
        yield f"longest gap with {keys:,} keys, ms", results.middle(keys, WINDOW, "gap_ms"), _FRAME
        yield f"peak memory with {keys:,} keys, MB", results.middle(keys, WINDOW, "peak_mb"), 250.0
    if results.start:
        yield "first rows after start, ms", median(_after(results.start, "rows")), 1000.0


def goals_table(results: Results) -> Table:
    """What should be reached, and whether it was."""
    table = _table("goal", "measured", "met")
    for title, value, most in _goals(results):
        met = "not measured" if value is None else "yes" if value <= most else "NO"
        table.add_row(title, f"≤ {most:g}", _number(value), met)
    return table


def tables(results: Results) -> Iterator[tuple[str, Table]]:
    """All of them, each with its title."""
    for keys in results.reading:
        yield f"All of {keys:,} keys with type and expiry", reading_table(results, keys)
    for keys in results.polling:
        yield f"Watching {keys:,} keys that are known", polling_table(results, keys)
    if results.start:
        yield "From the start of a process", start_table(results)
    yield "Goals", goals_table(results)
