"""From a URL and the ways of giving a password to an address that answers."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

import click

from fleetcache_gui.cli import Failure
from fleetcache_gui.redis_io.address import Address, BadAddress, parse_url
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.server import Server
from fleetcache_gui.redis_io.vault import KEYRING_SERVICE, trusted_backends


def checked_address(url: str, password_env: str | None, *, ask: bool) -> Address:
    """The address, proved by connecting to it once. Raises `Failure` with one sentence.

    The password comes from the URL, else from `--password-env`, else from the system's keyring, else from a prompt when
    `ask` is set, or when the server wants one and a person is there to be asked.
    """
    try:
        address = parse_url(url)
    except BadAddress as error:
        raise Failure(str(error)) from None
    if not address.password and password_env:
        password = os.environ.get(password_env)
        if password is None:
            raise Failure(f"The environment variable {password_env} is not set. Set it, or leave --password-env away.")
        address = replace(address, password=password)
    if ask:
        address = replace(address, password=_prompt(address))
    trouble = _try(address)
    if trouble and trouble.fault is Fault.PASSWORD and not address.password:
        password = _from_keyring(address)
        if password is None and sys.stdin.isatty():
            password = _prompt(address)
        if password:
            address = replace(address, password=password)
            trouble = _try(address)
    if trouble:
        raise Failure(f"{trouble.text} {trouble.advice}")
    return address


def _try(address: Address) -> Trouble | None:
    async def attempt() -> None:
        server = await Server.connect(address)
        await server.lane.close()

    try:
        asyncio.run(attempt())
    except Trouble as trouble:
        return trouble
    return None


def _prompt(address: Address) -> str:
    return str(click.prompt(f"Password for {address}", hide_input=True, err=True))


def _from_keyring(address: Address) -> str | None:
    """The password that the system's keyring holds; None without one, or where the backend keeps plain text."""
    from keyring.errors import KeyringError

    try:
        for backend in trusted_backends():
            password = backend.get_password(KEYRING_SERVICE, f"{address.host}:{address.port}")
            if password is not None:
                return password
    except (KeyringError, ImportError):  # ImportError: a backend of the user's configuration that is not there
        pass
    return None
