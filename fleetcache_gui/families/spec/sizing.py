"""What the spec layout's things take: the specification's rule of thumb, and what it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.sizing import KB, Part, each_key
from fleetcache_gui.domain.values import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.weights import Weight

ANSWER = 40.0
"""Bytes of one host id in a SET of more than 512 (measured: 38 to 39 with Valkey 9 and Redis 8)."""
TOKEN, LOCK, LOCKS = 120.0, 90.0, 50
_RULE = "the specification's rule of thumb"
_MEASURED = "measured once; the rule of thumb leaves it out"
_SOME, _LEAST = 20, 16
"""Entries, and bytes of each, from which depth and memory seem to be of the same moment: they are read apart."""
_FEW = 600
"""Answers from which a set takes what many would; fewer are packed more tightly."""


def _answers(weight: Weight, rows: Sequence[Row]) -> float | None:
    """What remains of the campaigns' memory without their SQL, for each answer."""
    answered = sum(cell.done for row in rows for cell in row.cells if isinstance(cell, Progress))
    size = weight.size - KB * len(rows)
    return size / answered if answered >= _FEW and size >= answered else None


def _entries(weight: Weight, rows: Sequence[Row]) -> float | None:
    """Of a list; a stream holds what was taken too, until it is trimmed."""
    lists = [row for row in rows if "list" in row.cells]
    depth = next((cell for row in lists for cell in row.cells if isinstance(cell, int)), 0)
    return weight.size / depth if depth >= _SOME and weight.size >= _LEAST * depth else None


PARTS = (
    Part("live_queries", "Active campaigns", KB, _RULE, lambda load: load.campaigns, knob="campaigns"),
    Part(
        "live_queries",
        "Hosts that answered",
        ANSWER,
        _MEASURED,
        lambda load: load.campaigns * load.hosts * load.answered,
        _answers,
    ),
    Part("host_queue", "Queued host details", KB / 2, _RULE, lambda load: load.backlog, _entries, "backlog"),
    Part("installer_tokens", "Installer tokens", TOKEN, "measured once", lambda load: load.tokens, each_key, "tokens"),
    Part("locks", "Locks", LOCK, "negligible, says the specification", lambda load: LOCKS, each_key),
)
