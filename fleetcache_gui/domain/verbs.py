"""What may be done to the rows of a family, declared as data and pure functions beside its columns and judgements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Draft
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.values import KeyFact


class Scope(Enum):
    """What a verb is offered for."""

    ROWS = "rows"  # chosen rows, one or many
    ALL = "all"  # every row of the family that it fits, whatever is filtered
    FAMILY = "family"  # every key of the family


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person must decide first: one of `options` (label, value), or where there are none a text such as a number
    or an id, with `label` as its question and `start` filled in."""

    label: str
    options: tuple[tuple[str, str], ...] = ()
    start: str = ""
    check: Callable[[str], str] = lambda text: ""
    """What is wrong with a typed text, empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a verb cannot be done to a row, as a sentence. `wait`: seconds after which it will have settled by itself."""

    text: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Verb:
    """`title` is for menus ("Release lock…"), `button` for the plan ("Release lock").

    `fits(row, now)` is None where the verb may be offered for a row, else why not; `now` is monotonic seconds. A verb whose
    `hidden` holds for a row is not even shown for it. `drafts(row, choice)` are the changes in the order in which they are
    made: an interruption must leave nothing worse.
    `grave`: it asks for a typed word even for one key. `consequence`: what Fleet feels, whole sentences.
    """

    id: str
    title: str
    button: str
    drafts: Callable[[Row, str], tuple[Draft, ...]]
    consequence: tuple[str, ...]
    scope: Scope = Scope.ROWS
    fits: Callable[[Row, float], Refusal | None] = lambda row, now: None
    hidden: Callable[[Row], bool] = lambda row: False
    choice: Callable[[Sequence[Row]], Choice] | None = None
    grave: bool = False


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
