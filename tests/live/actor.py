"""An inspector in a process of its own, to be killed or stopped while it removes keys. Prints what it has come to.

python -m tests.live.actor PORT FOLDER KEYS SECONDS

SECONDS is for how long it waits for a reply.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from fleetcache_gui import clock
from fleetcache_gui.redis_io.act.execute import execute
from fleetcache_gui.redis_io.act.gate import Gate
from fleetcache_gui.redis_io.act.hands import Hands, WriteLane
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.audit import AuditLog
from fleetcache_gui.redis_io.undo import UndoBin
from tests.live.breaking import names, removal
from tests.live.desk import PREFIXES
from tests.servers import HOST

KEY = b"k" * 32
"""What the undo bin of the actor is encrypted with."""


def books(folder: Path) -> tuple[AuditLog, UndoBin]:
    """What an actor keeps in its folder, for itself and for who looks at it afterwards."""
    return AuditLog(folder / "audit.jsonl"), UndoBin(folder / "undo", KEY)


def say(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def act(port: int, folder: Path, count: int, patience: float) -> None:
    log, bin_ = books(folder)
    hands = await Hands.open(Address(HOST, port), PREFIXES)
    plan = await removal(hands, names(count))
    gate = Gate()
    gate.unlock()
    confirmed = gate.confirm(plan, plan.word)
    record = bin_.begin(plan.id, plan.title, {})
    say(plan=plan.id)
    sys.stdin.readline()
    WriteLane.longer = patience / 2
    began = clock.now()
    receipt = await execute(gate, confirmed, hands, record, log, lambda told: None, asyncio.Event())
    await record.finish()
    outcomes = [outcome.name for outcome in receipt.outcomes]
    say(outcomes=outcomes, notes=receipt.notes, trouble=receipt.trouble, seconds=clock.now() - began)
    await hands.close()


if __name__ == "__main__":
    asyncio.run(act(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
