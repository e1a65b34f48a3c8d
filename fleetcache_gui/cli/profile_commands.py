"""The commands about profiles, and those that only try a connection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleetcache_gui.cli.options import ACCOUNT, BUDGET, FLEET, REACH, Where, changes, connection, gather
from fleetcache_gui.cli.told import WRONG, Failure, say, warn

if TYPE_CHECKING:
    from fleetcache_gui.profiles.profile import Profile

_name = click.argument("name", metavar="NAME")


@click.group()
def profiles() -> None:
    """Connections with a name. Their passwords are kept in the system's keyring, or asked for."""


@profiles.command(name="list")
def list_() -> None:
    """Name, environment and address of each."""
    kept = _load()
    if not kept:
        say("There are no profiles yet. `fleetcache-gui profiles add NAME URL` makes one.")
    width = max(map(len, kept), default=0)
    for name, profile in kept.items():
        say(f"{name:{width}}  {profile.environment.upper():12}{profile.address()}")


@profiles.command()
@_name
def show(name: str) -> None:
    """All that one holds, as JSON. No secret is among it."""
    from fleetcache_gui.profiles import store

    say(store.text([_named(name)]).decode().rstrip())


@profiles.command()
@_name
@click.argument("target", metavar="[URL]", required=False)
@click.option("--environment", metavar="WORD", default=None, help="production, staging, development or demo.")
@click.option("--interval", metavar="SECONDS", type=click.FloatRange(0.5, 60), help="From poll to poll.")
@BUDGET
@click.option("--layout", metavar="WORD", help="How keys are named: auto, spec, upstream or both.")
@click.option("--never-unlock", is_flag=True, default=None, help="Nothing can be changed through it.")
@click.option("--replace", is_flag=True, help="Take the place of a profile of that name.")
def add(name: str, replace: bool, **arguments: Any) -> None:  # noqa: ANN401  (what click passes)
    """Keep a connection under NAME. With --ask-password its password goes to the system's keyring."""
    import msgspec

    from fleetcache_gui.cli.login import NO_SENTINEL, prompt, prompt_sentinels
    from fleetcache_gui.profiles import fleet_config, keychain, profile, store
    from fleetcache_gui.redis_io.address import BadAddress

    where = gather(arguments)
    kept = _load()
    if name in kept and not replace:
        raise Failure(f"There is a profile {name!r} already. --replace puts the new one in its place.")
    more = {field: value for field, value in arguments.items() if value is not None}
    if "environment" in more:
        more["environment"] = more["environment"].lower()
    try:
        start, password = _start(where)
        made = msgspec.structs.replace(changes(where.given, start), name=name, **more)
        made = msgspec.convert(msgspec.to_builtins(made), profile.Profile)  # which checks lengths and bounds
        made = profile.check(made)
    except (BadAddress, fleet_config.BadConfig, store.BadProfiles) as error:
        raise Failure(str(error)) from None
    except msgspec.ValidationError as error:
        raise Failure(f"That makes no profile: {error}.") from None
    if where.ask_sentinel_password and not made.sentinel:
        raise Failure(NO_SENTINEL)
    kept[name] = made
    _save(kept)
    try:
        if where.ask_password:
            keychain.keep(keychain.account(name), prompt(made.address()))
        if where.ask_sentinel_password:
            keychain.keep(keychain.sentinels(name), prompt_sentinels(made.address()))
    except keychain.NoKeychain as error:
        warn(str(error))
    if password and not where.ask_password:
        warn("The password was left out. With --ask-password it is kept in the system's keyring.")


for _option in reversed((*ACCOUNT[2:], *FLEET, *REACH)):
    _option(add)


@profiles.command()
@_name
def remove(name: str) -> None:
    """Forget a profile, and its password in the system's keyring."""
    from fleetcache_gui.profiles import keychain

    kept = _load()
    _named(name, kept)
    del kept[name]
    _save(kept)
    try:
        for account in (keychain.account(name), keychain.sentinels(name)):
            keychain.keep(account, "")
    except keychain.NoKeychain as error:
        warn(str(error))


@profiles.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.argument("names", metavar="[NAME]...", nargs=-1)
def export(file: Path, names: tuple[str, ...]) -> None:
    """Write profiles (all, or those named) to FILE, or to standard output with -, to hand on. No secret is among it."""
    from fleetcache_gui import settings
    from fleetcache_gui.profiles import store

    kept = _load()
    text = store.text([_named(name, kept) for name in names or kept])
    if str(file) == "-":
        say(text.decode().rstrip())
        return
    try:
        settings.write_private(text, file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}.") from None


@profiles.command(name="import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Take the place of profiles of the same names.")
def import_(file: Path, replace: bool) -> None:
    """Take in the profiles of FILE. Fields that look like secrets are refused."""
    from fleetcache_gui.profiles import store

    if not file.exists():
        raise Failure(f"There is no file {file}.")
    try:
        found = store.load(file)
    except store.BadProfiles as error:
        raise Failure(str(error)) from None
    kept = _load()
    twice = sorted(found.keys() & kept.keys())
    if twice and not replace:
        raise Failure(f"There is a profile {twice[0]!r} already. --replace puts those of the file in place.")
    _save(kept | found)
    for name, profile in found.items():
        if profile.tls and not profile.tls.verify:
            warn(f"The profile {name!r} takes any certificate. Take --tls-no-verify out of it if that was not meant.")


@click.command()
@connection
def check(where: Where) -> None:
    """Try a connection step by step: tunnel, name, TLS, login, permissions. Exit code 2 if it cannot be used."""
    from fleetcache_gui.cli import checks

    sys.exit(0 if checks.run(where) else WRONG)


@click.command()
@click.option("--user", metavar="NAME", default=None, help="What to call the account.")
@click.option("--actions", is_flag=True, help="It may also do what actions do.")
def acl(user: str | None, actions: bool) -> None:
    """The line that makes an account which can look and do no harm, to paste into redis-cli."""
    from fleetcache_gui.redis_io.acl import DEFAULT_USER, FLUSHING, acting_line, reading_line

    name = user or DEFAULT_USER
    if not name.isprintable() or set(name) & set(" \"'\\"):
        raise Failure("The name of an account has no blanks or quotes.")
    line = acting_line if actions else reading_line
    say("# Redis 7.2 and later, Valkey; put a password of your own for PASSWORD:")
    say(line(name))
    say("# Redis 7.0:")
    say(line(name, recent=False))
    if actions:
        say(f"# To flush the whole database it needs {FLUSHING} as well; better let nobody have it.")


def _start(where: Where) -> tuple[Profile, str]:
    """What a new profile begins with, and a password that is not kept."""
    import os

    from fleetcache_gui.profiles import fleet_config
    from fleetcache_gui.profiles.profile import of_url

    if where.fleet_config or where.fleet_env:
        read = fleet_config.read(where.fleet_config, os.environ)
        return read.profile, read.password
    if not where.target:
        raise Failure("Name the server: a URL such as redis://localhost:6379/0, or --fleet-config FILE.")
    return of_url(where.target)


def _load() -> dict[str, Profile]:
    from fleetcache_gui.profiles import store

    try:
        return store.load(store.default_path())
    except store.BadProfiles as error:
        raise Failure(str(error)) from None


def _save(kept: dict[str, Profile]) -> None:
    from fleetcache_gui.profiles import store

    try:
        store.save(kept.values(), store.default_path())
    except store.BadProfiles as error:
        raise Failure(str(error)) from None


def _named(name: str, kept: dict[str, Profile] | None = None) -> Profile:
    known = _load() if kept is None else kept
    if name not in known:
        raise Failure(f"There is no profile {name!r}. `fleetcache-gui profiles list` names those that there are.")
    return known[name]
