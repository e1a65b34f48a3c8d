"""`check`: the steps of a connection, a line each as they end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.cli import login
from fleetcache_gui.cli.told import say
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.profiles import keychain
from fleetcache_gui.redis_io.check import Outcome, Step, check

if TYPE_CHECKING:
    from fleetcache_gui.cli.options import Where

SIGNS = {Outcome.OK: "ok", Outcome.FAILED: "FAILED", Outcome.SKIPPED: "-"}


def run(where: Where) -> bool:
    """Try and tell; whether the program can work with the server."""
    chosen = login.choose(where)
    address = chosen.address
    if not address.password:
        address = replace(address, password=keychain.password(chosen.account) or "")
    if address.sentinel and not address.sentinel.password:
        address = login.with_sentinels(address, keychain.password(chosen.sentinels) or "")
    return asyncio.run(check(address, _tell, SPEC.samples))


def _tell(step: Step) -> None:
    took = f" ({step.seconds * 1000:.0f} ms)" if step.outcome is not Outcome.SKIPPED else ""
    text = f"{step.text} {step.advice}".rstrip()
    say(f"{SIGNS[step.outcome]:7} {step.title:12} {text}{took}")
    for note in step.notes:
        say(f"{'':20} {note}")
