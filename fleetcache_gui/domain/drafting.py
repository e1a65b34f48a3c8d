"""What families' verbs share: drafts made from the keys behind a row, and verbs that many families have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Verb
from fleetcache_gui.domain.plan import Deed, Draft, Guard
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.verbs import Choice, Refusal, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.values import KeyFact

NOTHING: frozenset[str] = frozenset()
VALUE, EXPIRY = frozenset({"value"}), frozenset({"expiry"})
"""What moves by itself while a key is in use (`Draft.moves`)."""

LIFETIMES = (("1 minute", "60000"), ("10 minutes", "600000"), ("1 hour", "3600000"))
"""Offered where a key is to be given an expiry: label, milliseconds."""

_NAME = 80


def present(row: Row) -> tuple[KeyFact, ...]:
    """The keys behind a row that exist."""
    return tuple(key for key in row.keys if key.exists)


def gone(row: Row, _now: float = 0.0) -> Refusal | None:
    """Nothing can be done to what is not there."""
    return None if present(row) else Refusal("It is no longer in Redis.")


def remove(
    key: KeyFact,
    what: str,
    *,
    moves: frozenset[str] = NOTHING,
    value: bytes | None = None,
    guards: tuple[Guard, ...] = (),
    otherwise: str = "",
    stage: int = 0,
) -> Draft:
    """The key goes, if it is still what it was seen to be."""
    known = "" if key.type == "?" else key.type
    return Draft(Deed.REMOVE, key.name, what, known, value, moves, guards, otherwise=otherwise, stage=stage)


def removal(row: Row, _choice: str = "", *, moves: frozenset[str] = NOTHING) -> tuple[Draft, ...]:
    """Each key behind the row goes, as it was seen. `what` is the row's title, in which credentials are masked."""
    return tuple(remove(key, row.title, moves=moves) for key in present(row))


def lifetime(_rows: Sequence[Row]) -> Choice:
    """How long something is to live that would stay for ever."""
    return Choice("It ends after", LIFETIMES, LIFETIMES[1][1])


def expiring(
    row: Row, choice: str, *, moves: frozenset[str] = NOTHING, value: bytes | None = None, otherwise: str = ""
) -> tuple[Draft, ...]:
    """Each key behind the row that has no expiry is given one of `choice` milliseconds."""
    return tuple(
        Draft(Deed.EXPIRE, key.name, row.title, key.type, value, moves, args=(choice.encode(),), otherwise=otherwise)
        for key in present(row)
        if key.expiry.never
    )


def for_ever(row: Row, _now: float = 0.0) -> Refusal | None:
    """Only what has no expiry can be given one."""
    if any(key.expiry.never for key in present(row)):
        return None
    return gone(row) or Refusal("It has an expiry.")


def has_expiry(row: Row) -> bool:
    """Where this holds, giving an expiry is not even offered."""
    return for_ever(row) is not None


def give_expiry(family: str, drafts: Callable[[Row, str], tuple[Draft, ...]], consequence: str) -> Verb:
    """The verb that sets a missing TTL."""
    return Verb(
        f"{family}.expire",
        "Give it an expiry…",
        "Give {} an expiry",
        drafts,
        (consequence,),
        fits=for_ever,
        hidden=has_expiry,
        choice=lifetime,
    )


def flush(family: str, plural: str, drafts: Callable[[Row, str], tuple[Draft, ...]], *consequence: str) -> Verb:
    """The verb that removes every key of a family."""
    return Verb(
        f"{family}.flush",
        f"Remove all {plural}…",
        "Remove {}",
        drafts,
        consequence,
        scope=Scope.FAMILY,
        fits=gone,
        grave=True,
    )


def single_keys(
    family: str,
    plural: str,
    *,
    title: str,
    phrase: str,
    consequence: str,
    flushed: str,
    ending: str,
    moves: frozenset[str] = NOTHING,
) -> tuple[Verb, ...]:
    """The verbs of a family whose rows are single keys: remove, give an expiry, remove all."""
    drafts = partial(removal, moves=moves)
    return (
        Verb(f"{family}.remove", title, phrase, drafts, (consequence,), fits=gone),
        give_expiry(family, partial(expiring, moves=moves), ending),
        flush(family, plural, drafts, flushed),
    )


def named(key: bytes) -> str:
    """A key within a sentence."""
    return show(key, _NAME)
