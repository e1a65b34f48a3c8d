"""What families' verbs share: drafts made from the keys behind a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Draft
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.verbs import Refusal

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.values import KeyFact


def present(row: Row) -> tuple[KeyFact, ...]:
    """The keys behind a row that exist."""
    return tuple(key for key in row.keys if key.exists)


def gone(row: Row, _now: float = 0.0) -> Refusal | None:
    """Nothing can be done to what is not there."""
    return None if present(row) else Refusal("It is no longer in Redis.")


def removal(row: Row, _choice: str = "") -> tuple[Draft, ...]:
    """Each key behind the row goes, as it was seen."""
    return tuple(remove(key) for key in present(row))


def remove(key: KeyFact, what: str = "", **more: object) -> Draft:
    """The key goes if it is still of this type."""
    known = "" if key.type == "?" else key.type
    return Draft(Deed.REMOVE, key.name, what or f"the key {show(key.name, 80)}", known, **more)  # type: ignore[arg-type]


LIFETIMES = (("1 minute", "60000"), ("10 minutes", "600000"), ("1 hour", "3600000"))
"""Offered where a key is to be given an expiry: label, milliseconds."""


def has_no_expiry(row: Row) -> bool:
    """True for a row with a key that would stay for ever."""
    return any(key.expiry.never for key in present(row))


def expiring(row: Row, choice: str) -> tuple[Draft, ...]:
    """Each key behind the row that has no expiry is given one of `choice` milliseconds."""
    return tuple(
        Draft(Deed.EXPIRE, key.name, f"the expiry of {show(key.name, 80)}", key.type, args=(choice.encode(),))
        for key in present(row)
        if key.expiry.never
    )
