"""The commands that show a window, or draw it."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui import aio, app, incidents, settings, shell
from fleetcache_gui.cli.layouts import find
from fleetcache_gui.cli.told import Failure, say
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.words import count
from fleetcache_gui.families.layouts import PINNED, elsewhere
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.profiles import store
from fleetcache_gui.profiles.profile import AUTO, LAYOUTS
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.journal import SUFFIX, parts
from fleetcache_gui.replay import Replay
from fleetcache_gui.session import Session
from fleetcache_gui.ui.theme import Theme

if TYPE_CHECKING:
    from pathlib import Path

    from fleetcache_gui.cli.login import Chosen
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.present.manifest import Manifest
    from fleetcache_gui.present.recorder import History, Tape
    from fleetcache_gui.profiles.profile import Profile
    from fleetcache_gui.redis_io.address import Address


_PATIENCE = 0.5
"""Seconds to find out which layout a server has before its window is shown all the same."""


def inspect(
    chosen: Chosen,
    expected: Expected,
    *,
    name: str,
    environment: str,
    layout: str,
    interval: float | None,
    budget: float | None,
    never_unlock: bool,
) -> int:
    """Open the window on a server; what the arguments say goes before what the profile says."""
    _need_display()
    profile = chosen.profile
    told = msgspec.structs.replace(
        profile,
        name=name or profile.name,
        environment=environment or profile.environment,
        layout=profile.layout if layout == AUTO else layout,
        interval=interval or profile.interval,
        budget=budget or profile.budget,
        never_unlock=never_unlock or profile.never_unlock,
    )
    if told.layout not in LAYOUTS:
        raise Failure(f"There is no layout {told.layout!r}. There are {', '.join((AUTO, *PINNED))}.")
    return shell.run(lambda: _watch(told, chosen.address, expected))


def connect() -> int:
    """The window of connections, and then that of the server that was chosen there."""
    _need_display()

    async def main() -> int:
        chosen = await app.choose_connection(store.default_path(), settings.default_path(), SPEC.samples)
        return 0 if chosen is None else await _watch(*chosen, Expected())

    return shell.run(main)


async def _watch(profile: Profile, address: Address, expected: Expected) -> int:
    path, keep = store.default_path(), None
    if _is_kept(profile, path):
        keep = partial(store.keep_thresholds, profile, path=path)
    # A server that is slow, or away, is no reason for a person to look at nothing.
    looking = aio.spawn(_detect(address, profile.layout or AUTO), name="layout")
    await asyncio.wait([looking], timeout=_PATIENCE)
    wanted, detected = (looking.result(), None) if looking.done() else (SPEC.id, looking)
    while wanted:
        session = _session(profile, address, expected, PINNED[wanted])
        deeds = Deeds(session, address, settings.data_folder(), never=profile.never_unlock)
        wanted = await app.watch(
            session,
            deeds,
            settings.default_path(),
            profile.interval,
            keep,
            layouts={layout.id: layout.title for layout in PINNED.values()},
            detected=detected,
        )
        detected = None
    return 0


async def _detect(address: Address, word: str) -> str:
    """The id of the layout to show; where nothing can be learnt, the window tells why and tries again."""
    try:
        return (await find(address, word)).id
    except Trouble:
        return SPEC.id


def _session(profile: Profile, address: Address, expected: Expected, layout: Layout) -> Session:
    name = profile.name
    if name and address.tls and not address.tls.verify:  # an address by itself says it too
        name += " (certificate NOT VERIFIED)"
    return Session(
        address,
        layout,
        name=name,
        environment=profile.environment.upper(),
        expected=expected,
        elsewhere=elsewhere(layout),
        replicas=profile.replicas,
        thresholds=profile.thresholds,
        budget=profile.budget / 100,
    )


def _is_kept(profile: Profile, path: Path) -> bool:
    """Whether this is one of the profiles of this user, and not just another address under its name."""
    try:
        kept = store.load(path).get(profile.name)
    except store.BadProfiles:
        return False
    return kept is not None and kept.addresses == profile.addresses


def review(path: Path) -> int:
    """Show an incident bundle or a recording; nothing is read from any server."""
    manifest, tape, history = _recording(path)
    _need_display()
    layout, name = PINNED[manifest.layout], f"{manifest.name} (recorded)"

    async def main() -> int:
        theme = Theme(settings.load(settings.default_path()).theme)
        await incidents.review(Replay(tape, history, layout, name=name, environment=manifest.environment), theme)
        return 0

    return shell.run(main)


def _recording(path: Path) -> tuple[Manifest, Tape, History]:
    """Raises `Failure` with one sentence."""
    from fleetcache_gui.present import bundle

    try:
        if path.suffix.lower() == SUFFIX:
            manifest, tape = bundle.of_journal(path.name, parts(path), PINNED)
        else:
            manifest, tape = bundle.unpack(path, PINNED)
        return manifest, tape, tape.history()
    except BadRecording as bad:
        raise Failure(str(bad)) from None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from None


def pictures(folder: Path, address: Address, layout: Layout, seconds: float) -> int:
    """Draw every tab of a server."""
    make(folder)

    async def main() -> int:
        session = Session(address, layout, elsewhere=elsewhere(layout))
        return await draw(session, Deeds(session, address, settings.data_folder(), never=True), folder, seconds)

    go_offscreen()
    return shell.run(main)


def make(folder: Path) -> None:
    """Make a folder for pictures. Raises `Failure`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{folder} cannot be made: {error.strerror}.") from None


async def draw(session: Session, deeds: Deeds, folder: Path, seconds: float) -> int:
    """Draw every tab, and say in words what was seen."""
    files = await app.draw(session, deeds, folder, seconds)
    for family in session.layout.families:
        snapshot = session.snapshot(family.id)
        if snapshot is not None:
            say(f"{family.title}: {count(snapshot.count, *family.noun)}")
    for finding in session.findings:
        say(f"  {finding.severity.value}: {finding.judgement.text}")
    say(f"{count(len(files), 'picture')} in {folder}/")
    return 0


def go_offscreen() -> None:
    """Let Qt do without a screen."""
    os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"


def _need_display() -> None:
    if not app.has_display():
        raise Failure("There is no display here. `snapshot URL` and `pictures DIR URL` work without one.")
