"""The lock in front of everything that writes. It fails closed: nothing is sent unless unlocked and confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import NotConfirmed
from fleetcache_gui.domain.planning import strictest

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.domain.plan import Plan

UNLOCKED_FOR = 15 * 60.0
"""Seconds without an action after which it locks itself."""

FRESH_FOR = 5 * 60.0
"""Seconds for which a plan can be confirmed: what it shows grows old."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A plan that a person has confirmed. Only a `Gate` makes one that it lets through, once."""

    plan: Plan
    seal: object


class Gate:
    """Locked at first. `never`: it cannot be unlocked."""

    def __init__(self, *, never: bool = False, clock: Callable[[], float] = clock.now) -> None:
        self.never = never
        self._clock = clock
        self._until = 0.0
        self._sealed: dict[object, Plan] = {}
        self._ran: set[str] = set()

    @property
    def unlocked(self) -> bool:
        """True while something may be changed."""
        return not self.never and self._clock() < self._until

    def left(self, now: float) -> float:
        """Seconds until it locks itself; `now` is monotonic."""
        return max(self._until - now, 0.0) if self.unlocked else 0.0

    def unlock(self) -> None:
        """Open for `UNLOCKED_FOR`. Raises `NotConfirmed` where it never may be."""
        if self.never:
            raise NotConfirmed("This connection is marked as never to be unlocked.")
        self._until = self._clock() + UNLOCKED_FOR

    def lock(self) -> None:
        """Shut, and forget what was confirmed."""
        self._until = 0.0
        self._sealed.clear()

    def confirm(self, plan: Plan, typed: str) -> Confirmed:
        """Take a person's confirmation. Raises `NotConfirmed`."""
        self._check(plan)
        # Asked for again here, so that no mistake in a window makes a grave plan an easy one.
        strictness = strictest(plan)
        if plan.strictness.rank < strictness.rank:
            raise NotConfirmed("This plan asks for less than it must. Nothing was done; please report this.")
        if plan.strictness.rank and (not plan.word or typed != plan.word):
            raise NotConfirmed(f"Type {plan.word} to confirm. Nothing was done.")
        confirmed = Confirmed(plan, object())
        self._sealed[confirmed.seal] = plan
        return confirmed

    def admit(self, confirmed: Confirmed) -> Plan:
        """The plan, if it may run now; each confirmation is good for one run. Raises `NotConfirmed`."""
        plan = self._sealed.pop(confirmed.seal, None)
        if plan is None or plan is not confirmed.plan:
            raise NotConfirmed("This plan was not confirmed. Nothing was done.")
        self._check(plan)
        self._ran.add(plan.id)
        self._until = self._clock() + UNLOCKED_FOR
        return plan

    def _check(self, plan: Plan) -> None:
        if not self.unlocked:
            raise NotConfirmed("Actions are locked. Unlock them and plan again; nothing was done.")
        if plan.id in self._ran:  # its place in the undo bin is taken
            raise NotConfirmed("This plan has run already. Plan again; nothing was done.")
        if self._clock() - plan.made_at > FRESH_FOR:
            raise NotConfirmed("This plan was made too long ago. Plan again; nothing was done.")
