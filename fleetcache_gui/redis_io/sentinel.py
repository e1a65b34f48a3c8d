"""Where the primary is, as its sentinels say. They are asked anew before each connection, so a failover is followed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.text import shorten, show
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.address import BadAddress, host_port, parse_host_port
from fleetcache_gui.redis_io.faults import Fault, Trouble, from_reply
from fleetcache_gui.redis_io.lane import Lane, encode

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.address import Address, Sentinel

_PATIENCE = 0.7
"""Seconds for one sentinel when there are others: one that is gone must not use up the time of all."""


async def resolve(address: Address) -> Address:
    """`address` with the host and port of the primary; itself where a host is named. Raises `Trouble`."""
    sentinel = address.sentinel
    if sentinel is None or address.host:
        return address
    unknown, troubles = 0, list[Trouble]()
    for host, port in sentinel.at:
        try:
            found = await _ask(_their_address(address, sentinel, host, port), sentinel)
        except Trouble as met:
            if met.fault is Fault.PASSWORD and sentinel.password:
                raise _refused(host_port(host, port)) from None  # sent once: the others have the same one
            troubles.append(_asked(host_port(host, port)) if met.fault is Fault.PASSWORD else met)
            continue
        if found is not None:
            return replace(address, host=found[0], port=found[1])
        unknown += 1
    if unknown:
        said = f"No sentinel that answered knows a service {show(sentinel.service.encode(), 40)}."
        advice = "Check the name: SENTINEL MASTERS at a sentinel lists those that there are."
        raise Trouble(Fault.SENTINEL, said, advice, final=True)
    for trouble in troubles:
        if trouble.final or trouble.fault is Fault.SENTINEL:  # more than that it does not answer
            raise trouble
    places = ", ".join(host_port(*place) for place in sentinel.at)
    said = f"No sentinel of {show(sentinel.service.encode(), 40)} answers ({shorten(places, 80)})."
    raise Trouble(Fault.SENTINEL, said, "Check their addresses, and that they are running.")


def _their_address(address: Address, sentinel: Sentinel, host: str, port: int) -> Address:
    patience = address.connect_timeout if len(sentinel.at) == 1 else min(_PATIENCE, address.connect_timeout)
    return replace(
        address,
        host=host,
        port=port,
        database=0,
        username=sentinel.username if sentinel.password else "",
        password=sentinel.password,
        tls=address.tls if sentinel.tls else None,
        sentinel=None,
        connect_timeout=max(patience, address.connect_timeout) if address.tunnel else patience,
        reply_timeout=min(_PATIENCE, address.reply_timeout),
    )


def _asked(at: str) -> Trouble:
    text = f"The sentinel {at} asks for a password."
    return Trouble(Fault.PASSWORD, text, "Give the sentinels' own; the server's is not sent to them.", final=True)


def _refused(at: str) -> Trouble:
    text = f"The sentinel {at} refused the user name or password."
    return Trouble(Fault.PASSWORD, text, "Check those of the sentinels. They were sent once only.", final=True)


async def _ask(at: Address, sentinel: Sentinel) -> tuple[str, int] | None:
    """Host and port that one sentinel tells; None where it does not know the service. Raises `Trouble`."""
    lane = await Lane.open(at)
    try:
        # Not in `allow.READS`, for no inspected server has it: a question, and the only one that a sentinel is asked.
        question = encode((b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", sentinel.service.encode()))
        (reply,) = await lane.raw(question, 1)
    finally:
        await lane.close()
    if reply is None:
        return None
    if isinstance(reply, ReplyError):
        if "unknown command" in reply.text.lower():
            said = f"What answers at {at} is no sentinel."
            raise Trouble(Fault.SENTINEL, said, "Check the port: sentinels mostly listen on 26379.", final=True)
        raise from_reply(reply, at)
    host, port = reply if isinstance(reply, list) and len(reply) == 2 else (None, None)
    if isinstance(host, bytes) and isinstance(port, bytes) and port.isdigit():
        with suppress(BadAddress, UnicodeDecodeError):
            return parse_host_port(host_port(host.decode(), int(port)), 0)
    raise Trouble(Fault.SENTINEL, f"The sentinel {at} gave no address.", "See its log.")


def demoted(address: Address, role: str) -> Trouble | None:
    """Trouble where a primary that a sentinel named has become a replica: the next connection finds the new one."""
    if address.sentinel is None or role != "slave":
        return None
    said = f"{address} is no longer the primary of {show(address.sentinel.service.encode(), 40)}."
    return Trouble(Fault.SENTINEL, said, "The sentinels are asked for the new one.")
