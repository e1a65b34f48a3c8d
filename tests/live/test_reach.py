"""Several nodes in one address: the first that answers is taken, and what is wrong with all is told of the first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.lane import Lane
from fleetcache_gui.redis_io.reach import reach
from tests.live.readers import address
from tests.servers import HOST, VALKEY, Server, free_port


async def test_the_first_that_answers_is_taken(valkey: Server) -> None:
    dead = free_port()
    target = replace(address(valkey), port=dead, seeds=((HOST, free_port()), (HOST, valkey.port)))
    lane = await reach(target, Lane)
    assert lane.address == address(valkey)
    await lane.close()
    with pytest.raises(Trouble) as nobody:
        await reach(replace(target, seeds=((HOST, free_port()),)), Lane)
    assert (nobody.value.fault, str(dead) in nobody.value.text) == (Fault.REFUSED, True)


async def test_a_password_that_was_refused_is_not_tried_elsewhere(valkey: Server) -> None:
    with Server(VALKEY) as guarded:
        guarded.call("CONFIG", "SET", "requirepass", "right")
        target = replace(address(guarded, password="wrong"), seeds=((HOST, valkey.port),))
        with pytest.raises(Trouble) as refused:
            await reach(target, Lane)
        assert refused.value.fault is Fault.PASSWORD
    assert valkey.call("ACL", "LOG") == []
