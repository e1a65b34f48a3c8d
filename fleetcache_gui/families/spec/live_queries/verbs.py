"""What may be done to campaigns: clean up, stop, take dead ids out of the active set.

In the order in which Fleet stops one: the SQL, the hosts that answered, then out of the active set. Cut in between,
what is left is found by the next cleanup; it is never a campaign that comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.drafting import NOTHING, VALUE, flush, gone, present, remove
from fleetcache_gui.domain.family import Verb
from fleetcache_gui.domain.plan import Deed, Draft, Guard
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.families.spec.live_queries.keys import ACTIVE, CAMPAIGN, hosts_key, sql_key

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row

_ID = "live_queries"
_DEAD = frozenset({"orphaned", "finished?", "no SQL"})
_ALIVE = frozenset({"running", "quiet"})
_ODD = frozenset({"wrong type", "malformed"})

_CLEANED = "Nothing that works: no host is asked for it any more. The answers counted for it in the cache go."
_STOPPED = (
    "No host is asked any more, and answers still on their way are lost; Fleet itself believes that the campaign runs, "
    "until it looks for it."
)
_UNLISTED = "Fleet's servers no longer meet these ids when they look for campaigns; behind them there is nothing."
_FLUSHED = "All live queries are paused: no campaign is distributed until it is started again, and answers are lost."


def is_campaign(row: Row) -> bool:
    """False for the active set and for strays."""
    return bool(CAMPAIGN.fullmatch(row.id))


def _campaign(row: Row, guard: Guard | None, *, listed: bool, alive: bool) -> tuple[Draft, ...]:
    guards = (guard,) if guard else ()
    still = Guard(sql_key(row.id), None, False, "its SQL is still there")
    drafts: list[Draft] = []
    for key in present(row):
        if key.name == sql_key(row.id):
            drafts.append(remove(key, f"the SQL of {_lower(row)}", guards=guards))
        elif key.name == hosts_key(row.id):
            # Without it a campaign that goes on would ask every host once more.
            what, moves = f"the hosts that answered {_lower(row)}", VALUE if alive else NOTHING
            drafts.append(remove(key, what, moves=moves, guards=(*guards, still), stage=1))
    if listed:
        what = f"{_lower(row)} in the active set"
        drafts.append(Draft(Deed.DROP_MEMBER, ACTIVE, what, "set", guards=(still,), args=(row.id,), stage=2))
    return tuple(drafts)


def _lower(row: Row) -> str:
    return row.title[:1].lower() + row.title[1:]


def _clean_up(row: Row, _choice: str) -> tuple[Draft, ...]:
    if row.state.word == "orphaned":
        again = Guard(ACTIVE, row.id, False, "it is active again")
        return _campaign(row, again, listed=False, alive=False)
    return _campaign(row, None, listed=True, alive=False)


def _dead(row: Row, _now: float) -> Refusal | None:
    if row.state.word in _DEAD:
        return None
    if row.state.word in _ALIVE:
        return Refusal("It is alive: hosts are asked for it. To end it all the same, use Stop campaign.")
    return gone(row) or Refusal("Whether it is alive is not known just now.")


def _stop(row: Row, _choice: str) -> tuple[Draft, ...]:
    return _campaign(row, None, listed=True, alive=True)


def _alive(row: Row, _now: float) -> Refusal | None:
    return None if row.state.word in _ALIVE else Refusal("It is not running.")


def _unlist(row: Row, _choice: str) -> tuple[Draft, ...]:
    """The id goes out of the active set while there is no SQL for it."""
    campaign = is_campaign(row)
    guards = (Guard(sql_key(row.id), None, False, "it has SQL by now"),) if campaign else ()
    what = f"{_lower(row) if campaign else row.title} in the active set"
    return (Draft(Deed.DROP_MEMBER, ACTIVE, what, "set", guards=guards, args=(row.id,)),)


def _listed_dead(row: Row) -> bool:
    return row.state.word == "no SQL" or (row.id != ACTIVE and not row.keys and not is_campaign(row))


def _unlistable(row: Row, _now: float) -> Refusal | None:
    return None if _listed_dead(row) else Refusal("It is no dead id.")


def _remove_odd(row: Row, _choice: str) -> tuple[Draft, ...]:
    wanted = {sql_key(row.id): "string", hosts_key(row.id): "set", ACTIVE: "set"}
    return tuple(remove(key, row.title) for key in present(row) if wanted.get(key.name) != key.type)


def _odd(row: Row, _now: float) -> Refusal | None:
    return None if _remove_odd(row, "") else Refusal("Its keys are as Fleet makes them.")


def _every_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    """For the flush of the family: the active set goes last."""
    if row.id == ACTIVE:
        return tuple(remove(key, "the active set", moves=VALUE, stage=2) for key in present(row))
    return tuple(remove(key, row.title, moves=VALUE if key.type == "set" else frozenset()) for key in present(row))


VERBS = (
    Verb(
        f"{_ID}.cleanup",
        "Clean up campaign…",
        "Clean up {}",
        _clean_up,
        (_CLEANED,),
        fits=_dead,
        hidden=lambda row: not is_campaign(row) or row.state.word in _ODD,
    ),
    Verb(
        f"{_ID}.stop",
        "Stop campaign…",
        "Stop {}",
        _stop,
        (_STOPPED,),
        fits=_alive,
        hidden=lambda row: row.state.word not in _ALIVE,
        grave=True,
    ),
    Verb(
        f"{_ID}.unlist",
        "Take out of the active set…",
        "Take {} out of the active set",
        _unlist,
        (_UNLISTED,),
        fits=_unlistable,
        hidden=lambda row: not _listed_dead(row),
    ),
    Verb(
        f"{_ID}.remove",
        "Remove key…",
        "Remove the keys of {}",
        _remove_odd,
        ("Fleet cannot use what is there; it makes it anew as it should be.",),
        fits=_odd,
        hidden=lambda row: row.state.word not in _ODD or not row.keys,
    ),
    Verb(
        f"{_ID}.cleanup-all",
        "Clean up all orphaned and finished campaigns…",
        "Clean up {}",
        _clean_up,
        (_CLEANED,),
        scope=Scope.ALL,
        fits=lambda row, now: _dead(row, now) if is_campaign(row) else Refusal("It is no campaign."),
    ),
    Verb(
        f"{_ID}.unlist-all",
        "Take all dead ids out of the active set…",
        "Take {} out of the active set",
        _unlist,
        (_UNLISTED,),
        scope=Scope.ALL,
        fits=_unlistable,
    ),
    flush(_ID, "campaigns", _every_key, _FLUSHED),
)
