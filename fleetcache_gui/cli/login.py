"""From the arguments and the ways of giving a password to an address that answers."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from fleetcache_gui.cli.options import changes
from fleetcache_gui.cli.told import Failure, warn
from fleetcache_gui.profiles import fleet_config, keychain, store
from fleetcache_gui.profiles.profile import Profile, of_url
from fleetcache_gui.redis_io import sentinel
from fleetcache_gui.redis_io.address import Address, BadAddress
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.server import Server

if TYPE_CHECKING:
    from fleetcache_gui.cli.options import Where


NO_SENTINEL = "The sentinels' password needs --sentinel SERVICE."


@dataclass(frozen=True, slots=True)
class Chosen:
    """The server that the arguments mean. `account`: the keyring's name for its password; `sentinels`: for that of its
    sentinels."""

    profile: Profile
    address: Address
    account: str
    sentinels: str


def choose(where: Where) -> Chosen:
    """Profile and address, with the password where the arguments give one. Raises `Failure` with one sentence."""
    try:
        profile, password, iam = _found(where)
        profile = changes(where.given, profile)
        address = profile.address(password)
    except (BadAddress, fleet_config.BadConfig, store.BadProfiles) as error:
        raise Failure(str(error)) from None
    account = keychain.account(profile.name) if profile.name else f"{address.host}:{address.port}"
    sentinels = keychain.sentinels(profile.name or f"{profile.sentinel} at {', '.join(profile.addresses)}")
    if where.password_env and not address.password:
        address = replace(address, password=_variable(where.password_env, "--password-env"))
    if where.ask_password:
        address = replace(address, password=prompt(address))
    if (where.sentinel_password_env or where.ask_sentinel_password) and address.sentinel is None:
        raise Failure(NO_SENTINEL)
    if where.sentinel_password_env:
        theirs = _variable(where.sentinel_password_env, "--sentinel-password-env")
        address = with_sentinels(address, theirs)
    if where.ask_sentinel_password:
        address = with_sentinels(address, prompt_sentinels(address))
    if iam and not address.password:
        raise Failure(fleet_config.IAM)
    if address.username and not address.password:
        # Asked for beforehand: a login without a password would count as a failed one.
        address = replace(address, password=keychain.password(account) or "")
    if address.tls and not address.tls.verify:
        warn(f"{address}: whoever sits between can read all of it, a password too.")
    return Chosen(profile, address, account, sentinels)


def checked(where: Where) -> Chosen:
    """The same, proved by connecting once. Raises `Failure` with one sentence.

    The password comes from `--ask-password`, else from the URL or Fleet's configuration, else from `--password-env`,
    else from the system's keyring, else from a prompt when the server wants one and a person is there to be asked.
    """
    chosen = choose(where)
    address = chosen.address
    trouble = _try(address)
    if trouble and trouble.fault is Fault.PASSWORD and _sentinels_ask(address):
        theirs = keychain.password(chosen.sentinels)
        if theirs is None and sys.stdin.isatty():
            theirs = prompt_sentinels(address)
        if theirs:
            address = with_sentinels(address, theirs)
            trouble = _try(address)
    if trouble and trouble.fault is Fault.PASSWORD and not address.password:
        password = None if address.username else keychain.password(chosen.account)
        if password is None and sys.stdin.isatty():
            password = prompt(address)
        if password:
            address = replace(address, password=password)
            trouble = _try(address)
    if trouble:
        raise Failure(f"{trouble.text} {trouble.advice}")
    return replace(chosen, address=address)


def prompt(address: Address) -> str:
    """A password, typed without echo."""
    return str(click.prompt(f"Password for {address}", hide_input=True, err=True))


def prompt_sentinels(address: Address) -> str:
    """That of its sentinels."""
    return str(click.prompt(f"Password for the sentinels of {address}", hide_input=True, err=True))


def with_sentinels(address: Address, password: str) -> Address:
    """The same with its sentinels' password; itself where there are none."""
    if address.sentinel is None:
        return address
    return replace(address, sentinel=replace(address.sentinel, password=password))


def _sentinels_ask(address: Address) -> bool:
    """Whether it is the sentinels who want a password, and were given none."""
    if address.sentinel is None or address.sentinel.password:
        return False
    try:
        asyncio.run(sentinel.resolve(address))
    except Trouble as trouble:
        return trouble.fault is Fault.PASSWORD
    return False


def _variable(name: str, option: str) -> str:
    """Raises `Failure` where it is not set."""
    value = os.environ.get(name)
    if value is None:
        raise Failure(f"The environment variable {name} is not set. Set it, or leave {option} away.")
    return value


def _found(where: Where) -> tuple[Profile, str, bool]:
    """Profile, password and whether Fleet logs in by IAM."""
    fleet = where.fleet_config or where.fleet_env
    if bool(where.target) == bool(fleet):
        raise Failure("Name one server: a URL such as redis://localhost:6379/0, a profile, or --fleet-config FILE.")
    if fleet:
        read = fleet_config.read(where.fleet_config, os.environ)
        for note in read.notes:
            warn(note)
        return read.profile, read.password, read.iam
    target = str(where.target)
    if "://" in target:
        return *of_url(target), False
    profiles = store.load(store.default_path())
    if target not in profiles:
        # It must start with redis:// to be a URL; what it is instead may hold a password and is not repeated.
        raise Failure(
            "There is no profile of that name, and an address must start with redis:// or rediss:// (TLS)."
            " `fleetcache-gui profiles list` names the profiles."
        )
    return profiles[target], "", False


def _try(address: Address) -> Trouble | None:
    async def attempt() -> None:
        server = await Server.connect(address)
        await server.lane.close()

    try:
        asyncio.run(attempt())
    except Trouble as trouble:
        return trouble
    return None
