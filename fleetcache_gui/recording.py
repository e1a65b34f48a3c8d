"""Keeps the flight recorder running beside a session."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from fleetcache_gui import __version__, aio
from fleetcache_gui.present.frames import Frame
from fleetcache_gui.present.manifest import FORMAT, Manifest
from fleetcache_gui.present.recorder import Recorder, Tape
from fleetcache_gui.redis_io.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleetcache_gui.domain.snapshot import Link, Phase
    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.session import Session


def manifest(session: Session, readings: int) -> Manifest:
    """What a recording of this session says of itself. No credential is in it."""
    return Manifest(
        FORMAT,
        f"fleetcache-gui {__version__}",
        datetime.now(UTC).isoformat(timespec="seconds"),
        session.name,
        session.address,
        session.environment,
        session.layout.id,
        readings,
        asdict(session.thresholds),
        session.interval,
    )


class FlightRecorder(QObject):
    """Notes what the session knows after each reading, and when the connection is lost.

    `failed(sentence)`: the journal could not be written, and is no longer kept.
    """

    failed = Signal(str)

    def __init__(self, session: Session, folder: Path) -> None:
        """`folder`: where a journal lies, once one is kept."""
        super().__init__(session)
        self._folder = folder
        self._journal: Journal | None = None
        self._session = session
        self._recorder = Recorder(session.layout)
        self._events: list[Event] = []
        self._noting: asyncio.Task[None] | None = None
        self._noted: tuple[Phase, float | None] | None = None
        session.happened.connect(self._happened)
        session.link_changed.connect(self._link_changed)

    @property
    def size(self) -> int:
        """Bytes that the recording takes."""
        return self._recorder.size

    def tape(self) -> Tape | None:
        """All that is recorded until now; None before the first reading."""
        chunks = self._recorder.chunks()
        return Tape(self._session.layout, chunks) if chunks else None

    @property
    def kept(self) -> bool:
        """Whether it is written to disk too."""
        return self._journal is not None

    def keep(self, *, journal: bool) -> None:
        """Write to disk too from the next reading on, or no longer; what is there stays."""
        if self._journal is not None:
            self._journal.close()
        self._journal = Journal(self._folder, msgspec.json.encode(manifest(self._session, 0))) if journal else None
        if journal:
            self._recorder.begin_anew()

    async def end(self) -> None:
        """Note nothing more, and write the journal's last bytes."""
        await aio.cancel_and_wait([self._noting] if self._noting else [])
        self.keep(journal=False)

    def _happened(self, events: Sequence[Event]) -> None:
        self._events += events

    def _link_changed(self, link: Link) -> None:
        if link.last_read is None or (link.phase, link.last_read) == self._noted:
            return
        if self._noting is not None and not self._noting.done():
            return  # the next reading tells of this one too
        self._noted = (link.phase, link.last_read)
        session, events, self._events = self._session, self._events, []
        snapshots = {
            family.id: snapshot
            for family in session.layout.families
            if (snapshot := session.snapshot(family.id)) is not None
        }
        frame = Frame(
            session.wall(), session.now(), link, session.inventory, session.vitals, snapshots, session.findings
        )
        self._noting = aio.spawn(self._note(frame, events), name="flight recorder")

    async def _note(self, frame: Frame, events: Sequence[Event]) -> None:
        steps = self._recorder.note(frame, events)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                line, anew = done.value
                break
            await asyncio.sleep(0)
        if self._journal is not None:
            try:
                self._journal.add(line, anew=anew)
            except OSError as error:
                self.keep(journal=False)
                self.failed.emit(f"The recording is no longer kept on disk: {error.strerror}.")
