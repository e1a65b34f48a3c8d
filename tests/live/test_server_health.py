"""The server judged as a whole, from figures that real servers tell."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Severity
from fleetcache_gui.domain.thresholds import Thresholds
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.session import Session
from tests.live.readers import address

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from PySide6.QtWidgets import QApplication

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]


@contextmanager
def configured(server: Server, name: str) -> Iterator[Callable[[object], None]]:
    """Changes one setting of a server, which is put back in the end."""
    before = server.call("CONFIG GET", name)[name]
    try:
        yield lambda value: server.call("CONFIG SET", name, value)
    finally:
        server.call("CONFIG SET", name, before)


async def test_memory_near_its_limit_opens_a_finding_that_closes_again(
    qapp: QApplication, server: Server, eventually: Eventually
) -> None:
    server.call("SETRANGE", "other:big", 20_000_000, "x")  # beside it the buffers of clients come to little
    session = Session(address(server), SPEC, interval=0.5)
    changes: list[tuple[str, ...]] = []

    def told() -> list[tuple[str, str, bytes, Severity]]:
        findings = [(f.family, f.judgement.code, f.judgement.row, f.severity) for f in session.findings]
        return [finding for finding in findings if finding[1] == "server.memory"]

    session.findings_changed.connect(lambda: changes.append(tuple(f.judgement.code for f in session.findings)))
    task = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: session.vitals is not None and session.vitals.memory)
        assert session.findings == ()
        assert session.vitals is not None
        used = session.vitals.memory or 0
        with configured(server, "maxmemory") as limit:
            limit(round(used / 0.87))
            await eventually(lambda: told() == [("", "server.memory", b"", Severity.WARNING)])
            assert "server.memory" in changes[-1]
            limit(round(used / 1.5))
            await eventually(lambda: told() == [("", "server.memory", b"", Severity.CRITICAL)])
            limit(10 * used)
            await eventually(lambda: not told())
            assert "server.memory" not in changes[-1]
        texts = [event.text for event in reversed(session.events)]
        assert [text.split(":")[0] for text in texts] == [
            "The server's memory is filling up",
            "The server's memory is nearly full",
            "No longer",
        ]
    finally:
        await aio.cancel_and_wait([task])


async def test_evicted_keys_are_a_finding(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    session = Session(address(valkey), SPEC, interval=0.5)
    task = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: session.vitals is not None)
        with configured(valkey, "maxmemory") as limit, configured(valkey, "maxmemory-policy") as policy:
            valkey.call("MSET", *(word for n in range(2000) for word in (f"other:{n}", "x" * 1000)))
            policy("allkeys-lru")
            limit(int(valkey.info("memory")["used_memory"]) - 200_000)
            valkey.call("SET", "other:more", "x")
            await eventually(lambda: any(f.judgement.code == "server.evictions" for f in session.findings))
    finally:
        await aio.cancel_and_wait([task])


def _fill_to(server: Server, share: float, limit: int) -> None:
    """Write or remove entries until so much of the limit is used."""

    def used() -> float:
        return float(server.info("memory")["used_memory"]) / limit

    while used() < share:
        server.call("RPUSH", "other:pile", "x" * 100_000)
    while used() > share and server.call("LLEN", "other:pile"):
        server.call("RPOP", "other:pile")


async def test_real_memory_pressure_opens_and_closes_alerts_without_flapping(
    qapp: QApplication, server: Server, eventually: Eventually
) -> None:
    limit = 60_000_000
    session = Session(address(server), SPEC, interval=0.5, thresholds=Thresholds(memory=70))
    told: list[tuple[str, ...]] = []

    def codes() -> dict[str, Severity]:
        return {f.judgement.code: f.severity for f in session.findings_of("")}

    def share() -> float:
        vitals = session.vitals
        return (vitals.memory or 0) / limit if vitals is not None else 0.0

    session.findings_changed.connect(lambda: told.append(tuple(codes())))
    task = aio.spawn(session.run(), name="session")
    try:
        with configured(server, "maxmemory") as memory, configured(server, "maxmemory-policy") as policy:
            policy("noeviction")
            memory(limit)
            await eventually(lambda: session.vitals is not None and session.vitals.memory_limit == limit, timeout=20)
            _fill_to(server, 0.60, limit)
            await eventually(lambda: share() > 0.58, timeout=20)
            assert codes() == {}
            _fill_to(server, 0.73, limit)
            await eventually(lambda: codes() == {"server.memory": Severity.WARNING}, timeout=20)
            told.clear()
            _fill_to(server, 0.68, limit)
            await eventually(lambda: share() < 0.69, timeout=20)
            assert codes() == {"server.memory": Severity.WARNING}, "below the threshold of 70 %, and not well below"
            _fill_to(server, 0.73, limit)
            await eventually(lambda: share() > 0.72, timeout=20)
            assert () not in told, "it never closed in between"
            _fill_to(server, 0.97, limit)
            await eventually(lambda: codes() == {"server.memory": Severity.CRITICAL}, timeout=20)
            server.call("DEL", "other:pile")
            await eventually(lambda: codes() == {}, timeout=20)
            texts = [event.text for event in session.events if "memory" in event.text]
            assert len([text for text in texts if text.startswith("No longer")]) == 1
    finally:
        server.call("DEL", "other:pile")
        await aio.cancel_and_wait([task])
