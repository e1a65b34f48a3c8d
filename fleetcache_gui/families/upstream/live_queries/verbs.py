"""What may be done to campaigns of an upstream Fleet server: what Fleet itself does when it stops one, and no more.

Its SQL and its bitmap are deleted, then its id is taken out of the two active sets. A bit is never set: to write into
a bitmap is how orphans came about (fleetdm/fleet#33254). Sets that name a campaign for single hosts stay, as they do
when Fleet stops one. Cut in between, what is left is found by the next clean-up, and is no campaign that comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.drafting import NOTHING, VALUE, expiring, flush, for_ever, gone, lifetime, present, remove
from fleetcache_gui.domain.family import Verb
from fleetcache_gui.domain.plan import Deed, Draft, Guard
from fleetcache_gui.domain.verbs import Choice, Refusal, Scope
from fleetcache_gui.families.upstream.live_queries.asking import ACTIVE, CAMPAIGN, REVERSE, bitmap_key, sql_key
from fleetcache_gui.families.upstream.live_queries.campaign import ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Row

_ENDED = frozenset({"orphaned", "left behind"})
_DEAD = frozenset({*_ENDED, "no SQL"})
_ALIVE = frozenset({"running", "answered", "unheard", "forgotten", "no targets", "no expiry"})
_WEEK = (("7 days, as Fleet gives them", "604800000"), ("1 day", "86400000"), ("1 hour", "3600000"))

_CLEANED = "Nothing that works: no campaign uses these keys, and no host is asked for them."
_STOPPED = (
    "No host is asked any more, and answers still on their way are thrown away. Fleet's database believes that the "
    "campaign runs until Fleet looks for it."
)
_UNLISTED = (
    "Fleet's servers no longer meet these ids when they look for campaigns, as when they take them out themselves."
)
_ENDS = "Afterwards Redis removes it, as it removes every other bitmap."
_FLUSHED = "All live queries end: each must be run again in Fleet, and answers on their way are lost."


def is_campaign(row: Row) -> bool:
    """False for the two sets and for strays."""
    return bool(CAMPAIGN.fullmatch(row.id))


def _lower(row: Row) -> str:
    return row.title[:1].lower() + row.title[1:]


def _keys(row: Row, guards: tuple[Guard, ...], *, alive: bool) -> tuple[Draft, ...]:
    """The SQL goes first: without it no server sends the campaign to hosts."""
    drafts: list[Draft] = []
    for key in present(row):
        if key.name == sql_key(row.id):
            drafts.append(remove(key, f"the SQL of {_lower(row)}", guards=guards))
        elif key.name == bitmap_key(row.id):
            what, moves = f"the pending hosts of {_lower(row)}", VALUE if alive else NOTHING
            still = Guard(sql_key(row.id), None, False, "its SQL is still there")
            drafts.append(remove(key, what, moves=moves, guards=(*guards, still), stage=1))
    return tuple(drafts)


def _ids(row: Row) -> tuple[Draft, ...]:
    """The id goes out of both sets while there is no SQL for it."""
    guards = (Guard(sql_key(row.id), None, False, "it has SQL by now"),) if is_campaign(row) else ()
    what = _lower(row) if is_campaign(row) else row.title
    return tuple(
        Draft(Deed.DROP_MEMBER, index, f"{what} in {name}", "set", guards=guards, args=(row.id,), stage=2)
        for index, name in ((ACTIVE, "the active set"), (REVERSE, "the active set of few hosts"))
    )


def _clean_up(row: Row, _choice: str) -> tuple[Draft, ...]:
    if row.state.word in _ENDED:
        again = Guard(ACTIVE, row.id, False, "it is active again")
        return _keys(row, (again,), alive=False)
    return (*_keys(row, (), alive=False), *_ids(row))


def _dead(row: Row, _now: float) -> Refusal | None:
    if row.state.word in _DEAD:
        return None
    if row.state.word in _ALIVE:
        return Refusal("It is alive: hosts are asked for it. To end it all the same, use Stop campaign.")
    return gone(row) or Refusal("Whether it is alive is not known just now.")


def _stop(row: Row, _choice: str) -> tuple[Draft, ...]:
    return (*_keys(row, (), alive=True), *_ids(row))


def _alive(row: Row, _now: float) -> Refusal | None:
    return None if row.state.word in _ALIVE else Refusal("It is not running.")


def _listed_dead(row: Row) -> bool:
    return row.state.word == "no SQL" or (not row.keys and row.id not in (ACTIVE, REVERSE) and not is_campaign(row))


def _unlistable(row: Row, _now: float) -> Refusal | None:
    return None if _listed_dead(row) else Refusal("It is no dead id.")


def _expire(row: Row, choice: str) -> tuple[Draft, ...]:
    return expiring(row, choice, moves=VALUE) if is_campaign(row) else ()


def _expirable(row: Row, _now: float) -> Refusal | None:
    return for_ever(row) if is_campaign(row) else Refusal("It has no expiry by design.")


def _week(rows: Sequence[Row]) -> Choice:
    return Choice(lifetime(rows).label, _WEEK, _WEEK[0][1])


def _odd_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    """Keys of an old name, malformed ones, and those of a type that Fleet cannot use."""
    wanted = {sql_key(row.id): "string", bitmap_key(row.id): "string", ACTIVE: "set", REVERSE: "set"}
    return tuple(remove(key, row.title) for key in present(row) if wanted.get(key.name) != key.type)


def _odd(row: Row, _now: float) -> Refusal | None:
    return None if _odd_key(row, "") else Refusal("Its keys are as Fleet makes them.")


def _every_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    """For the flush of the family: the two sets go last."""
    stage = 2 if row.id in (ACTIVE, REVERSE) else 0
    return tuple(remove(key, row.title, moves=VALUE, stage=stage) for key in present(row))


VERBS = (
    Verb(
        f"{ID}.cleanup",
        "Clean up campaign…",
        "Clean up {}",
        _clean_up,
        (_CLEANED,),
        fits=_dead,
        hidden=lambda row: not is_campaign(row),
    ),
    Verb(
        f"{ID}.stop",
        "Stop campaign…",
        "Stop {}",
        _stop,
        (_STOPPED,),
        fits=_alive,
        hidden=lambda row: row.state.word not in _ALIVE,
        grave=True,
    ),
    Verb(
        f"{ID}.unlist",
        "Take out of the active set…",
        "Take {} out of the active set",
        lambda row, _choice: _ids(row),
        (_UNLISTED,),
        fits=_unlistable,
        hidden=lambda row: not _listed_dead(row),
    ),
    Verb(
        f"{ID}.expire",
        "Give it an expiry…",
        "Give {} an expiry",
        _expire,
        (_ENDS,),
        fits=_expirable,
        hidden=lambda row: _expirable(row, 0.0) is not None,
        choice=_week,
    ),
    Verb(
        f"{ID}.remove",
        "Remove key…",
        "Remove the keys of {}",
        _odd_key,
        ("Fleet cannot use what is there; it makes it anew as it should be.",),
        fits=_odd,
        hidden=lambda row: _odd(row, 0.0) is not None,
    ),
    Verb(
        f"{ID}.cleanup-all",
        "Clean up all orphaned campaigns…",
        "Clean up {}",
        _clean_up,
        (_CLEANED,),
        scope=Scope.ALL,
        fits=lambda row, now: _dead(row, now) if is_campaign(row) else Refusal("It is no campaign."),
    ),
    Verb(
        f"{ID}.unlist-all",
        "Take all dead ids out of the active set…",
        "Take {} out of the active set",
        lambda row, _choice: _ids(row),
        (_UNLISTED,),
        scope=Scope.ALL,
        fits=_unlistable,
    ),
    flush(ID, "campaigns", _every_key, _FLUSHED),
)
