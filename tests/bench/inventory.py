"""`python -m tests.bench.inventory PORT`: one whole sweep without a window, in a process of its own."""

from __future__ import annotations

import asyncio
import sys
import time

from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.redis_io.sweep import Sweeper
from tests.bench.process import peak_mb, report
from tests.servers import HOST


async def main(port: int) -> None:
    keyspace = await Keyspace.connect(Address(HOST, port))
    store = KeyStore(keyspace.room)
    sweeper = Sweeper(keyspace, SPEC, store)
    wall, cpu = time.perf_counter(), time.process_time()
    async for _ in sweeper.sweep():
        pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await keyspace.close()
    report(keys=store.alive, wall=wall, cpu=cpu, peak_mb=peak_mb())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
