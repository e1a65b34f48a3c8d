"""What a closer look at one row shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Sample


@dataclass(frozen=True, slots=True)
class Graph:
    """Curves over one axis: titles, and samples in monotonic seconds."""

    id: str
    title: str
    help: str
    unit: Literal["count", "rate"]
    curves: tuple[tuple[str, tuple[Sample, ...]], ...]


@dataclass(frozen=True, slots=True)
class Lens:
    """`figures` are label and value; `lines` those of a table under `heads`; `note` a sentence on what they mean."""

    figures: tuple[tuple[str, str], ...]
    graphs: tuple[Graph, ...]
    note: str = ""
    heads: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
