"""How results of live queries travel on an upstream Fleet server: by Pub/Sub, which a server may cut off.

Redis closes the connection of a listener that takes its messages too slowly (32 MB that wait, or 8 MB for a minute,
unless configured otherwise): the rest of that campaign's results is lost (fleetdm/fleet#4492).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Judgement, Severity

if TYPE_CHECKING:
    from fleetcache_gui.domain.snapshot import Vitals

PARAMETER = b"client-output-buffer-limit"
CODE = "server.pubsub-limit"

_CUT = (
    "When many hosts answer a live query at once, the listener is cut off and the rest of its results is lost: the "
    "query "
    "seems to have fewer answers than hosts.",
    "If live queries give partial results, set it to pubsub 0 0 60 (CONFIG SET client-output-buffer-limit, and in "
    "the "
    "server's configuration), as Fleet's documentation advises.",
)


def judge(vitals: Vitals) -> tuple[Judgement, ...]:
    """That listeners can be cut off; nothing where the server does not tell its limits."""
    limits = pubsub_limits(vitals.parameters.get(PARAMETER.decode(), ""))
    if limits is None:
        return ()
    hard, soft, seconds = limits
    parts = [words.size(hard)] if hard else []
    parts += [f"{words.size(soft)} for {words.duration(seconds)}"] if soft else []
    if not parts:
        return ()
    text = f"The server cuts listeners off when more than {' or '.join(parts)} of results wait for them."
    return (Judgement(CODE, b"", Severity.INFO, text, *_CUT),)


def pubsub_limits(told: str) -> tuple[int, int, int] | None:
    """Hard limit, soft limit (bytes) and its seconds from ``normal 0 0 0 slave … pubsub 33554432 8388608 60``."""
    parts = told.split()
    if "pubsub" not in parts:
        return None
    figures = parts[parts.index("pubsub") + 1 :][:3]
    if len(figures) < 3 or not all(figure.isascii() and figure.isdigit() and len(figure) < 19 for figure in figures):
        return None
    hard, soft, seconds = map(int, figures)
    return hard, soft, seconds
