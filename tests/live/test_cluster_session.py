"""What a window hears of a cluster that loses a part and gets it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from fleetcache_gui.domain.family import AWAY
from tests.live.clusters import held_by
from tests.live.readers import TOKEN
from tests.live.test_session import running, settled, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.session import Session
    from tests.servers import Cluster

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def open_findings(session: Session) -> set[tuple[str, bytes]]:
    return {(finding.judgement.code, finding.judgement.row) for finding in session.findings}


def away(session: Session) -> set[bytes]:
    snapshot = session.snapshot("locks")
    return {row.id for row in snapshot.rows if row.state is AWAY} if snapshot else set()


async def test_findings_of_what_is_out_of_reach_stay_and_the_others_go_on(
    qapp: QApplication, lenient: Cluster, eventually: Eventually
) -> None:
    with redis.RedisCluster.from_url(lenient.url) as client:
        for number in range(60):
            client.set(f"lock:cron:{number}", TOKEN, ex=3600)
    kept, lost = lenient.nodes[:2]
    near, far = min(held_by(kept)), min(held_by(lost))
    for node, name in ((kept, near), (lost, far)):
        node.call("PERSIST", name)
    no_expiry = {("lock.no-ttl", near), ("lock.no-ttl", far)}
    async with running(kept) as session:
        await eventually(lambda: settled(session) and open_findings(session) == no_expiry)
        table = session.table("locks")
        lost.freeze()
        await eventually(lambda: ("server.partial", b"") in open_findings(session))
        await eventually(lambda: far in away(session))
        assert session.table("locks") is table
        assert no_expiry <= open_findings(session)
        kept.call("EXPIRE", near, 3600)
        await eventually(lambda: open_findings(session) == {("lock.no-ttl", far), ("server.partial", b"")})
        page = await session.page(far, "string")
        assert page.problem == "No node that can be reached serves this key now."
        lost.thaw()
        await eventually(lambda: settled(session) and open_findings(session) == {("lock.no-ttl", far)})
        assert (await session.page(far, "string")).items[0].value == TOKEN.encode()
        told = [text for text in texts(session) if "Lock" not in text]
        place = f"slots 5461–10921 of 127.0.0.1:{lost.port}"
        assert told == [
            f"A part of the cluster is missing: {place} cannot be read.",
            f"No longer: A part of the cluster is missing: {place} cannot be read.",
        ]


async def test_a_node_that_comes_back_empty_is_an_event(
    qapp: QApplication, lenient: Cluster, eventually: Eventually
) -> None:
    with redis.RedisCluster.from_url(lenient.url) as client:
        client.mset_nonatomic({f"other:{number}": 1 for number in range(60)})
    lost = lenient.nodes[2]
    async with running(lenient.nodes[0]) as session:
        await eventually(lambda: settled(session) and session.vitals is not None)
        lost.kill()
        await eventually(lambda: session.inventory.missing)
        lenient.revive()
        await eventually(lambda: settled(session) and not session.inventory.missing)
        text = f"127.0.0.1:{lost.port} was restarted or replaced: what it held before may be gone."
        await eventually(lambda: text in texts(session))
