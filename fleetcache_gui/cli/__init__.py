"""The command line: arguments become settings, trouble becomes one sentence and exit code 2.

Everything slow to import (Qt, redis-py) is imported inside the command that needs it.
"""

from __future__ import annotations

import gc
import io
import re
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetcache_gui import __version__
from fleetcache_gui.cli.options import BUDGET, Where, connection
from fleetcache_gui.cli.profile_commands import acl, check, profiles
from fleetcache_gui.cli.told import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130
"""Exit code after Ctrl+C, as of any program that SIGINT ends."""


@contextmanager
def _importing() -> Iterator[None]:
    """Around the imports for a window, which are most of its start.

    Nothing that they make can be freed, so looking for it only takes time. PySide reads the source of all that is
    imported after it, so what does without it comes first.
    """
    gc.disable()
    try:
        import_module("fleetcache_gui.cli.layouts")
        yield
    finally:
        gc.enable()


def _limits(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """``login=10`` and the like as limits by endpoint. Raises `Failure` with one sentence."""
    limits: dict[str, int] = {}
    for value in values:
        endpoint, _, number = value.rpartition("=")
        if not endpoint or ":" in endpoint or not re.fullmatch("[1-9][0-9]{0,17}", number):
            raise Failure(f"{value!r} is not ENDPOINT=N, such as login=10, with a whole number of requests from 1 on.")
        if endpoint in limits:
            raise Failure(f"The endpoint {endpoint!r} has two limits. Give it one.")
        limits[endpoint] = int(number)
    return limits


_limit = click.option(
    "--limit",
    "limits",
    metavar="ENDPOINT=N",
    multiple=True,
    callback=_limits,
    help="Requests that an endpoint allows in a window, so that counters are judged; may be repeated.",
)
_layout = click.option(
    "--layout",
    type=click.Choice(["auto", "spec", "upstream", "both"]),
    default="auto",
    show_default=True,
    help="How the server names its keys; auto looks which there are.",
)
_hosts = click.option("--hosts", type=click.IntRange(1), help="Enrolled hosts, so that campaigns show their progress.")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, invoke_without_command=True
)
@click.version_option(__version__, prog_name="fleetcache-gui")
@click.pass_context
def cli(context: click.Context) -> None:
    """Inspect the Redis cache of a Fleet server: live queries, locks, queues, tokens and their lifetimes.

    It only looks, until actions are unlocked in the window. Without a command, and with a display, it shows the window
    of connections.
    """
    if context.invoked_subcommand is None:
        with _importing():
            from fleetcache_gui import app

        if not app.has_display():
            click.echo(context.get_help())
            return
        context.invoke(connect)


@cli.command()
def connect() -> None:
    """Choose, edit and test connections in a window, and open one."""
    with _importing():
        from fleetcache_gui.cli import windows

    sys.exit(windows.connect())


@cli.command()
@click.option("--cluster", is_flag=True, help="On a cluster of six servers, which takes some seconds to form.")
@click.option("--hosts", type=click.IntRange(10, 1_000_000), default=5000, show_default=True, help="Simulated hosts.")
@click.option("--seed", type=int, default=7, show_default=True, help="Equal seeds give equal decisions.")
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help="Speed of its time.")
@click.option("--queue", type=click.Choice(["list", "stream"]), default="list", show_default=True, help="Queue's form.")
@click.option("--server", metavar="URL", help="An empty server on this machine, in place of the embedded one.")
@click.option("--pictures", type=click.Path(path_type=Path), help="Draw all tabs there after 15 s (or sooner); end.")
def demo(
    cluster: bool, hosts: int, seed: int, speed: float, queue: str, server: str | None, pictures: Path | None
) -> None:
    """Show a simulated Fleet at work on a real server that ends with the window."""
    with _importing():
        from fleetcache_gui.cli import demos

    if cluster and server:
        raise Failure("--cluster starts servers of its own. Leave --server away, or --cluster to use that server.")
    code = demos.demo(
        cluster=cluster, hosts=hosts, seed=seed, speed=speed, queue=queue, server=server, pictures=pictures
    )
    sys.exit(code)


@cli.command()
@click.argument("name", required=False)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Equal seeds give equal decisions.")
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help="Speed of its time.")
@click.option("--pictures", type=click.Path(path_type=Path), help="Save a picture of the window after each step there.")
def drill(name: str | None, seed: int, speed: float, pictures: Path | None) -> None:
    """Show what the cache does, measured on a server that ends with it; without a NAME list the drills."""
    from fleetcache_gui.cli import demos
    from fleetcache_gui.demo.drills import DRILLS

    if name is None:
        for known in DRILLS.values():
            click.echo(f"{known.lesson.name:12} {known.lesson.title}")
        return
    if name not in DRILLS:
        raise Failure(f"There is no drill {name!r}. There are {', '.join(DRILLS)}.")
    sys.exit(demos.drill(name, seed=seed, speed=speed, pictures=pictures))


@cli.command(name="open")
@connection
@_hosts
@_limit
@click.option("--name", default="", help="What to call this server in the window.")
@click.option("--environment", metavar="WORD", default="", help="PRODUCTION, STAGING, DEVELOPMENT … shown everywhere.")
@click.option("--interval", type=click.FloatRange(0.5, 60), help="Seconds from poll to poll; else as left last time.")
@BUDGET
@click.option("--never-unlock", is_flag=True, help="Nothing can be changed on this server, whoever asks.")
@_layout
def open_(
    where: Where,
    hosts: int | None,
    limits: dict[str, int],
    name: str,
    environment: str,
    interval: float | None,
    budget: float | None,
    never_unlock: bool,
    layout: str,
) -> None:
    """Inspect a server: a URL such as redis://localhost:6379/0 or rediss://user@cache.example.com, or a profile.

    Or an incident bundle (*.zip) or a recording (*.recording), without any server.
    """
    with _importing():
        from fleetcache_gui.cli import windows
        from fleetcache_gui.cli.login import checked
        from fleetcache_gui.domain.family import Expected

    if where.target and where.target.lower().endswith((".zip", ".recording")) and "://" not in where.target:
        sys.exit(windows.review(Path(where.target)))
    code = windows.inspect(
        checked(where),
        Expected(hosts, limits),
        name=name,
        environment=environment,
        layout=layout,
        interval=interval,
        budget=budget,
        never_unlock=never_unlock,
    )
    sys.exit(code)


@cli.command()
@connection
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a summary; docs/snapshot.md has its schema.")
@click.option("--family", "families", metavar="ID", multiple=True, help="Only this family; may be repeated.")
@click.option("--reveal", is_flag=True, help="Do not mask credentials.")
@click.option("--fail-on", type=click.Choice(["warning", "critical"]), help="Exit code 1 with such a finding.")
@_hosts
@_limit
@_layout
def snapshot(
    where: Where,
    as_json: bool,
    families: tuple[str, ...],
    reveal: bool,
    fail_on: str | None,
    hosts: int | None,
    limits: dict[str, int],
    layout: str,
) -> None:
    """Read the server once, without a window, for scripts."""
    from fleetcache_gui.cli import snapshots
    from fleetcache_gui.cli.layouts import layout_of
    from fleetcache_gui.cli.login import checked
    from fleetcache_gui.domain.family import Expected

    chosen = checked(where)
    shown, expected = layout_of(chosen.address, layout), Expected(hosts, limits)
    replicas, thresholds = chosen.profile.replicas, chosen.profile.thresholds
    wanted = snapshots.Wanted(shown, as_json, families, reveal, fail_on, expected, replicas, thresholds)
    sys.exit(snapshots.run(chosen.address, wanted))


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@connection
@click.option("--seconds", type=click.FloatRange(1, 600), default=15.0, show_default=True, help="Watch so long first.")
@_layout
def pictures(folder: Path, where: Where, seconds: float, layout: str) -> None:
    """Draw every tab, light and dark, as PNG files into DIR; of the demo when no server is named."""
    from fleetcache_gui.cli import demos, windows
    from fleetcache_gui.cli.layouts import layout_of
    from fleetcache_gui.cli.login import checked

    if not where.named:
        sys.exit(demos.pictures(folder, seconds))
    address = checked(where).address
    sys.exit(windows.pictures(folder, address, layout_of(address, layout), seconds))


for _command in (profiles, check, acl):
    cli.add_command(_command)


def main() -> None:
    """Entry point of `fleetcache-gui`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows no € must not end the program
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):  # click by itself would exit with 1, which means a finding
        code = INTERRUPTED
    sys.exit(code)


def gui_main() -> None:
    """Entry point of the desktop entry: without arguments, the window of connections."""
    main()
