"""The one object between the window and everything that changes the server: lock, plans, acts, undo, history.

It stands beside `Session`, which only reads. Nothing here writes: it asks `redis_io.act` for plans and hands confirmed
ones back to it. What only plans and acts need is imported by the first of them: most windows only look.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from fleetcache_gui import clock
from fleetcache_gui.domain import planning
from fleetcache_gui.domain.plan import NotConfirmed, Plan, Receipt, WayBack
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.redis_io.act.books import Books, NothingToKeep
from fleetcache_gui.redis_io.act.gate import Gate
from fleetcache_gui.redis_io.audit import AuditFailed
from fleetcache_gui.redis_io.audit_trail import AuditTrail
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.undo import BinFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from fleetcache_gui.domain.family import Family, Row, Verb
    from fleetcache_gui.redis_io.act.hands import Hands
    from fleetcache_gui.redis_io.act.plans import Place
    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.undo import Limits
    from fleetcache_gui.session import Session

    _Make = Callable[[Place, Hands], Awaitable[Plan | Refusal]]

_KEPT = 200
"""Receipts of this run that are kept; the audit log has all."""

LOCKED = "Actions are locked. Unlock them first."
NEVER = "This connection is marked as never to be unlocked."
_NOT_READ = Refusal("Not all keys were read since the connection was made. Look again in a moment.", 2.0)
_BUSY = "Something else is being done just now. Wait for its receipt, or cancel it."


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


class Deeds(QObject):
    """`changed`: the mode, what hinders, or what runs. `progressed(Progress)`: of an act. `finished(Receipt)`."""

    changed = Signal()
    progressed = Signal(object)
    finished = Signal(object)

    def __init__(self, session: Session, address: Address, folder: Path, *, never: bool = False) -> None:
        """`folder`: where the audit log and the undo bin lie. `never`: nothing is ever changed on this server."""
        super().__init__(session)
        self._session, self._address = session, address
        self._books = Books(folder)
        self.audit = AuditTrail(self._books.audit)
        self._gate = Gate(never=never)
        self._hands: Hands | None = None
        self._unlocking = False
        self._running: Plan | None = None
        self._planning = asyncio.Lock()
        self._stop = asyncio.Event()
        self._receipts: deque[Receipt] = deque(maxlen=_KEPT)
        self._undoing: dict[str, str] = {}
        """By the id of an undo plan, the deed that it puts back."""
        self._word = self._new_word()
        self._relock = QTimer(self, singleShot=True)
        self._relock.timeout.connect(self.changed)
        session.link_changed.connect(lambda link: self.changed.emit())

    # --- lock ----------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """Whether anything can be changed now."""
        if self._gate.never:
            return Mode.NEVER
        if self._unlocking:
            return Mode.UNLOCKING
        return Mode.UNLOCKED if self._gate.unlocked else Mode.LOCKED

    @property
    def running(self) -> Plan | None:
        """The plan that is being carried out."""
        return self._running

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What was done since the window was opened, newest first."""
        return tuple(self._receipts)

    def left(self, now: float) -> float:
        """Seconds until it locks itself, 0 while locked; `now` is monotonic seconds."""
        return self._gate.left(now)

    @property
    def unlock_word(self) -> str:
        """What must be typed to unlock (production), empty where one button is enough."""
        return self._word if self._session.environment.upper() == "PRODUCTION" else ""

    def _new_word(self) -> str:
        return planning.word_for(self._session.name, 100 + secrets.randbelow(900))

    async def unlock(self, typed: str = "") -> str:
        """Connect for writing and learn what the account may do; what went wrong as a sentence, empty when unlocked."""
        if self._gate.never:
            return NEVER
        if self.unlock_word and typed != self.unlock_word:
            return f"Type {self.unlock_word} to unlock."
        self._unlocking = True
        self.changed.emit()
        try:
            await self._connect()
            await self._books.bin()
            self._gate.unlock()
        except Trouble as trouble:
            return f"{trouble.text} {trouble.advice}"
        finally:
            self._unlocking = False
            self._word = self._new_word()
            self._schedule()
            self.changed.emit()
        return ""

    def lock(self) -> None:
        """Nothing can be changed from now on; an act that runs is stopped after its present batch."""
        self._gate.lock()
        self._stop.set()
        self._schedule()
        self.changed.emit()

    def _schedule(self) -> None:
        if self._gate.unlocked:
            self._relock.start(round(1000 * self._gate.left(clock.now())) + 50)
        else:
            self._relock.stop()

    async def end(self) -> None:
        """Stop what runs after its present batch, wait for that, and hang up."""
        self.lock()
        async with self._planning:
            if self._hands is not None:
                await self._hands.close()

    async def _connect(self) -> Hands:
        from fleetcache_gui.redis_io.act.hands import ready

        prefixes = [prefix for family in self._session.layout.families for prefix in family.prefixes]
        hands, self._hands = self._hands, None
        self._hands = await ready(hands, self._address, prefixes)
        return self._hands

    # --- what can be done ----------------------------------------------------------------------------------------

    def hindrance(self) -> str:
        """Why nothing at all can be changed now, as a sentence with the next step; empty when something can."""
        if self._gate.never:
            return NEVER
        if self._session.link.phase not in (Phase.LIVE, Phase.PAUSED):
            return "There is no connection to the server now."
        if not self._gate.unlocked:
            return LOCKED
        if self._running is not None:
            return _BUSY
        if self._hands is None:  # being looked at anew for a plan
            return ""
        roles = {hand.identity.role for hand in self._hands.nodes.values()}
        return "" if roles & {"master", "primary"} else "This is a replica: it takes no writes. Connect to its primary."

    def offers(self, family_id: str, row_ids: Sequence[bytes]) -> tuple[Offer, ...]:
        """What may be done to these rows (`Scope.ROWS`), with what hinders each. A locked session hinders all."""
        family = self._session.layout.family(family_id)
        rows = self._session.rows_now(family_id, row_ids)
        if not rows:
            return ()
        found: list[Offer] = []
        now, general = clock.now(), self.hindrance()
        for verb in family.verbs:
            shown = [row for row in rows if not verb.hidden(row)]
            if verb.scope is Scope.ROWS and shown:
                refusals = [verb.fits(row, now) for row in shown]
                hindrance = None if None in refusals else refusals[0]
                found.append(Offer(verb, Refusal(general) if general else hindrance))
        return tuple(found)

    def bulk(self, family_id: str) -> tuple[Offer, ...]:
        """What may be done to many rows of a family at once (`Scope.ALL`, `Scope.FAMILY`)."""
        family = self._session.layout.family(family_id)
        general = self.hindrance()
        why = general or ("" if self._session.row_ids(family_id) else f"There are no {family.noun[1]}.")
        hindrance = Refusal(why) if why else None
        return tuple(Offer(verb, hindrance) for verb in family.verbs if verb.scope is not Scope.ROWS)

    # --- plans ---------------------------------------------------------------------------------------------------

    async def plan(self, family_id: str, verb: Verb, row_ids: Sequence[bytes] = (), choice: str = "") -> Plan | Refusal:
        """Look at everything the verb would touch and say what would be done. `row_ids` are left out for bulk verbs."""
        from fleetcache_gui.redis_io.act import plans

        family = self._session.layout.family(family_id)

        async def make(place: Place, hands: Hands) -> Plan | Refusal:
            if verb.scope is not Scope.ROWS and not self._known(family_id):
                return _NOT_READ
            ids = row_ids if verb.scope is Scope.ROWS else self._session.row_ids(family_id)
            fresh = verb.scope is not Scope.FAMILY
            rows = await self._session.rows(family_id, ids, fresh=fresh)
            if not rows:
                return Refusal("It is no longer in Redis.") if self._known(family_id) else _NOT_READ
            return await plans.for_rows(place, hands, verb, family, rows, choice)

        return await self._plan(make)

    async def plan_flush(self, *, database: bool) -> Plan | Refusal:
        """All keys of Fleet's families; with `database` everything in the database, the keys of strangers included."""
        from fleetcache_gui.redis_io.act import plans

        async def make(place: Place, hands: Hands) -> Plan | Refusal:
            families: list[tuple[Family, Verb | None, Sequence[Row]]] = []
            for family in self._session.layout.families:
                if not self._known(family.id):
                    return _NOT_READ
                verb = next((verb for verb in family.verbs if verb.scope is Scope.FAMILY), None)
                ids = self._session.row_ids(family.id)
                families.append((family, verb, await self._session.rows(family.id, ids, fresh=False)))
            return await plans.for_flush(place, hands, families, database=database)

        return await self._plan(make)

    async def plan_undo(self, deed: str) -> Plan | Refusal:
        """What putting back would do; keys that exist now are never overwritten."""
        from fleetcache_gui.redis_io.act import plans

        async def make(place: Place, hands: Hands) -> Plan | Refusal:
            kept = next((kept for kept in await place.bin.entries() if kept.deed == deed), None)
            if kept is None:
                return Refusal("Nothing is kept of it any more: its time was over, or it was removed.")
            if why := kept.trouble or self._elsewhere(kept.server):
                return Refusal(why)
            made = await plans.for_undo(place, hands, kept.title, place.bin.load(deed), self._shown)
            if isinstance(made, Plan):
                self._undoing[made.id] = deed
            return made

        return await self._plan(make)

    async def _plan(self, make: _Make) -> Plan | Refusal:
        from fleetcache_gui.redis_io.act.plans import Place

        if why := self.hindrance():
            return Refusal(why)
        async with self._planning:
            try:
                hands, bin_ = await self._connect(), await self._books.bin()
                if self._another(hands):
                    return Refusal("What answers for changes is another server than the one shown. Nothing was done.")
                self._gate.unlock()
                self._schedule()
                session = self._session
                return await make(Place(session.name, session.environment, session.address, bin_), hands)
            except Trouble as trouble:
                return Refusal(f"{trouble.text} {trouble.advice}")
            except (BinFailed, NotConfirmed) as failed:
                return Refusal(str(failed))

    def _known(self, family_id: str) -> bool:
        """Whether all keys of a family were seen on this connection."""
        snapshot = self._session.snapshot(family_id)
        return snapshot is not None and snapshot.complete

    def _another(self, hands: Hands) -> bool:
        """Whether the rows on screen came from another server than the one that would be written to."""
        vitals = self._session.vitals
        met = hands.identities[0].run_id
        return hands.shape is None and vitals is not None and bool(vitals.run_id) and vitals.run_id != met

    def _shown(self, key: bytes) -> str:
        """A key's name, with its credential masked."""
        families = self._session.layout.families
        family = families[self._session.layout.router(key)]
        return family.mask(key) if family.mask else show(key, 80)

    # --- acts ----------------------------------------------------------------------------------------------------

    async def execute(self, plan: Plan, typed: str = "") -> Receipt:
        """Carry out a plan that a person has confirmed by `typed` (`plan.word` where `plan.strictness` asks for it).

        Raises `NotConfirmed` when it may not run: locked meanwhile, another word, shown too long ago, not recordable.
        """
        from fleetcache_gui.redis_io.act.execute import execute

        if why := self.hindrance():
            raise NotConfirmed(f"{why} Nothing was done.")
        confirmed = self._gate.confirm(plan, typed)
        async with self._planning:
            hands = self._hands
            if hands is None:
                raise NotConfirmed(f"{LOCKED} Nothing was done.")
            undone = self._undoing.get(plan.id)
            record = (await self._books.bin()).begin(plan.id, plan.title, self._server())
            self._running = plan
            self._stop.clear()
            self.changed.emit()
            try:
                keeper = record if undone is None else NothingToKeep()
                log = self._books.audit
                receipt = await execute(self._gate, confirmed, hands, keeper, log, self.progressed.emit, self._stop)
                await self._books.close(receipt, keeper, undone)
            except AuditFailed as failed:
                raise NotConfirmed(f"{failed} Nothing was done: what is not recorded is not done.") from None
            finally:
                self._running = None
                self._schedule()
                self.changed.emit()
        self._receipts.appendleft(receipt)
        self._session.note_deed(receipt)
        self.finished.emit(receipt)
        return receipt

    def cancel(self) -> None:
        """Send nothing more of the act that runs; its receipt tells what was not sent."""
        self._stop.set()

    # --- undo and history ----------------------------------------------------------------------------------------

    def _server(self) -> dict[str, str]:
        return {"name": self._session.name, "address": str(self._address)}

    def _elsewhere(self, server: dict[str, str]) -> str:
        return "" if server.get("address") == str(self._address) else f"It was done on {server.get('name', 'another')}."

    async def ways_back(self) -> tuple[WayBack, ...]:
        """What can be put back, newest first. Raises `BinFailed`."""
        return tuple(
            WayBack(
                kept.deed,
                kept.title,
                kept.server.get("name", ""),
                kept.at,
                kept.goes,
                max(kept.keys - kept.put_back, 0),
                kept.size,
                kept.kept_in,
                kept.trouble or self._elsewhere(kept.server),
            )
            for kept in await self._books.entries()
        )

    @property
    def limits(self) -> Limits:
        """How much is saved to be put back, and how long; what is saved already stays as long as was said then."""
        return self._books.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._books.limits = limits

    async def forget(self, deed: str) -> None:
        """Delete what was saved of a deed: it can no longer be put back. Raises `BinFailed`."""
        await (await self._books.bin()).forget(deed)

    async def unfinished(self) -> tuple[str, ...]:
        """What was begun and has no outcome on record, as sentences: the program or the machine ended meanwhile."""
        found = await self._books.audit.unfinished()
        return tuple(
            f"{entry.at}: {entry.facts.get('what', 'a deed')} on {entry.facts.get('where')}" for entry in found
        )
