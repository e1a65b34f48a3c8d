"""What may be done to the stage's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Verb
from fleetcache_gui.domain.plan import Deed, Draft
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Expiry
from fleetcache_gui.domain.verbs import Choice, Refusal, Scope

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row


def _drafts(row: Row, choice: str) -> tuple[Draft, ...]:
    return tuple(Draft(Deed.REMOVE, key.name, f"the key {show(key.name, 80)}", key.type) for key in row.keys)


def _expiring(row: Row, choice: str) -> tuple[Draft, ...]:
    return tuple(Draft(Deed.EXPIRE, key.name, "an expiry", key.type, args=(choice.encode(),)) for key in row.keys)


def _holder(row: Row, now: float) -> Refusal | None:
    expiry = row.keys[0].expiry
    left = expiry.left(now)
    if expiry.ends and left < 3.0:
        return Refusal(f"It expires by itself in {left:.1f} s, sooner than you can confirm.", left)
    return None


def _orphaned(row: Row, now: float) -> Refusal | None:
    return None if row.state.word == "orphaned" else Refusal("It is still running: stop the query in Fleet first.")


def _expires(row: Row) -> bool:
    expiry = row.keys[0].expiry
    return isinstance(expiry, Expiry) and expiry.ends


def _digits(text: str) -> str:
    return "" if text.isdigit() and int(text) > 0 else "A whole number above zero, please."


LIFETIMES = Choice("How long may it stay?", (("1 minute", "60000"), ("10 minutes", "600000"), ("1 hour", "3600000")))

VERBS: dict[str, tuple[Verb, ...]] = {
    "live_queries": (
        Verb(
            "clean",
            "Clean up campaign…",
            "Clean up campaign",
            _drafts,
            ("No host is asked for this query any more, and its answers in Redis are gone.",),
            fits=_orphaned,
        ),
        Verb("clean-all", "Clean up all orphaned…", "Clean up orphaned", _drafts, (), scope=Scope.ALL),
    ),
    "locks": (
        Verb(
            "release",
            "Release lock…",
            "Release lock",
            _drafts,
            (
                "Another server may take the lock at once, and run the job again while the first still works.",
                "The holder is told nothing: it finds out when it renews.",
            ),
            fits=_holder,
        ),
        Verb(
            "expire",
            "Give it an expiry…",
            "Set expiry",
            _expiring,
            ("The lock ends by itself then.",),
            hidden=_expires,
            choice=lambda rows: LIFETIMES,
        ),
    ),
    "host_queue": (
        Verb(
            "trim",
            "Trim the queue…",
            "Trim queue",
            _drafts,
            (),
            choice=lambda rows: Choice("How many of the oldest entries?", start="1000", check=_digits),
            grave=True,
        ),
    ),
    "tokens": (
        Verb("remove", "Remove token…", "Remove token", _drafts, ("Its download is refused; Fleet issues another.",)),
        Verb("flush", "Remove all tokens…", "Remove all tokens", _drafts, (), scope=Scope.FAMILY),
    ),
}
