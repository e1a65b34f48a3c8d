"""What a window of connections needs done, none of it on the loop's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.profiles import keychain
from fleetcache_gui.profiles.profile import Profile, check, of_url
from fleetcache_gui.redis_io.address import Address, BadAddress
from fleetcache_gui.redis_io.aside import aside
from fleetcache_gui.redis_io.check import TITLES, Outcome, Step
from fleetcache_gui.redis_io.check import check as try_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TITLES", "Address", "Outcome", "Step", "attempt", "keep", "keyring_place", "problem", "url"]


def problem(profile: Profile) -> str:
    """Why the profile cannot be used, in one sentence; empty where it can."""
    try:
        check(profile)
    except BadAddress as error:
        return str(error)
    return ""


def url(text: str) -> tuple[Profile, str]:
    """The profile and the password of a pasted URL. Raises ValueError with one sentence."""
    return of_url(text)


async def keyring_place() -> str:
    """Where passwords would be kept; empty where they would not be."""
    return await aside(keychain.place)


async def keep(name: str, password: str | None, sentinels: str | None, before: str = "") -> str:
    """Put a profile's passwords into the keyring (an empty one is forgotten; None leaves what is there), and take along
    what is kept under the name it had `before`. Why that was not possible, in one sentence; empty when it was."""

    def work() -> None:
        for account, secret in ((keychain.account, password), (keychain.sentinels, sentinels)):
            moved = secret
            if before and before != name:
                moved = keychain.password(account(before)) if secret is None else secret
                keychain.keep(account(before), "")
            if moved is not None:
                keychain.keep(account(name), moved)

    try:
        await aside(work)
    except keychain.NoKeychain as error:
        return str(error)
    return ""


async def attempt(
    profile: Profile, password: str, sentinels: str, tell: Callable[[Step], None], samples: Sequence[bytes]
) -> Address | None:
    """Try the connection step by step; the address with its passwords where it can be used.

    In place of one that was not typed the keyring's is taken.
    """

    def fill() -> Address:
        mine = password or keychain.password(keychain.account(profile.name)) or ""
        theirs = sentinels or (keychain.password(keychain.sentinels(profile.name)) if profile.sentinel else None)
        return profile.address(mine, theirs or "")

    address = await aside(fill)
    return address if await try_steps(address, tell, samples) else None
