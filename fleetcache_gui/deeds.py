"""The one object between the window and everything that changes the server: lock, plans, acts, undo, history.

It stands beside `Session`, which only reads. Nothing here writes: it asks `redis_io.survey` for plans and hands
confirmed ones to `redis_io.act`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Verb
    from fleetcache_gui.domain.plan import Plan, Receipt
    from fleetcache_gui.domain.verbs import Refusal


class Mode(Enum):
    """Whether anything can be changed."""

    LOCKED = "locked"
    UNLOCKING = "unlocking"
    UNLOCKED = "unlocked"
    NEVER = "never"  # this server is marked so


@dataclass(frozen=True, slots=True)
class Offer:
    """A verb, and why it cannot be done now to what is chosen (None: it can)."""

    verb: Verb
    hindrance: Refusal | None = None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Something in the undo bin. Times are Unix seconds; `where` is "memory" or "disk"; `count` is what is left to put
    back. `hindrance`: why it cannot be put back on this server, empty when it can."""

    deed: str
    title: str
    server: str
    at: float
    until: float
    count: int
    size: int
    where: str
    hindrance: str = ""


class Deeds(QObject):
    """`changed`: the mode, what hinders, or what runs. `progressed(Progress)`: of an act. `finished(Receipt)`."""

    changed = Signal()
    progressed = Signal(object)
    finished = Signal(object)

    @property
    def mode(self) -> Mode:
        raise NotImplementedError

    @property
    def running(self) -> Plan | None:
        """The plan that is being carried out."""
        raise NotImplementedError

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What was done since the window was opened, newest first."""
        raise NotImplementedError

    def left(self, now: float) -> float:
        """Seconds until it locks itself, 0 while locked; `now` is monotonic."""
        raise NotImplementedError

    @property
    def unlock_word(self) -> str:
        """What must be typed to unlock (production), empty where one button is enough."""
        raise NotImplementedError

    async def unlock(self, typed: str = "") -> str:
        """Connect for writing and learn what the account may do; what went wrong as a sentence, empty when unlocked."""
        raise NotImplementedError

    def lock(self) -> None:
        """Nothing can be changed from now on; an act that runs is stopped after its present batch."""
        raise NotImplementedError

    def hindrance(self) -> str:
        """Why nothing at all can be changed now, as a sentence with the next step; empty when something can."""
        raise NotImplementedError

    def offers(self, family_id: str, row_ids: Sequence[bytes]) -> tuple[Offer, ...]:
        """What may be done to these rows (`Scope.ROWS`), with what hinders each. A locked session hinders all."""
        raise NotImplementedError

    def bulk(self, family_id: str) -> tuple[Offer, ...]:
        """What may be done to many rows of a family at once (`Scope.ALL`, `Scope.FAMILY`)."""
        raise NotImplementedError

    async def plan(self, family_id: str, verb: Verb, row_ids: Sequence[bytes] = (), choice: str = "") -> Plan | Refusal:
        """Look at everything the verb would touch and say what would be done. `row_ids` are left out for bulk verbs."""
        raise NotImplementedError

    async def plan_flush(self, *, database: bool) -> Plan | Refusal:
        """All keys of Fleet's families; with `database` everything in the database, the keys of strangers included."""
        raise NotImplementedError

    async def execute(self, plan: Plan, typed: str = "") -> Receipt:
        """Carry out a plan that a person has confirmed by `typed` (`plan.word` where `plan.strictness` asks for it).

        Raises `act.NotConfirmed` when it may not run: locked meanwhile, another word, shown too long ago.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """Send nothing more of the act that runs; its receipt tells what was not sent."""
        raise NotImplementedError

    async def ways_back(self) -> tuple[WayBack, ...]:
        """What can be put back, newest first."""
        raise NotImplementedError

    async def plan_undo(self, deed: str) -> Plan | Refusal:
        """What putting back would do; keys that exist now are never overwritten."""
        raise NotImplementedError

    async def forget(self, deed: str) -> None:
        """Delete what was saved of a deed: it can no longer be put back."""
        raise NotImplementedError
