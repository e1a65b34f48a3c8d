"""Keeps the flight recorder running beside a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from fleetcache_gui.present.frames import Frame
from fleetcache_gui.present.recorder import Recorder, Tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.snapshot import Link, Phase
    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.session import Session


class FlightRecorder(QObject):
    """Notes what the session knows after each reading, and when the connection is lost."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._recorder = Recorder(session.layout)
        self._events: list[Event] = []
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

    def _happened(self, events: Sequence[Event]) -> None:
        self._events += events

    def _link_changed(self, link: Link) -> None:
        if link.last_read is None or (link.phase, link.last_read) == self._noted:
            return
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
        self._recorder.note(frame, events)
