"""The options that say which server is meant and how it is reached; the same ones for every command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

_FILE = click.Path(path_type=Path, dir_okay=False)
_SECONDS = click.FloatRange(0.2, 60)

ACCOUNT = (
    click.option("--password-env", metavar="NAME", help="Take the password from this environment variable."),
    click.option("--sentinel-password-env", metavar="NAME", help="The same for the sentinels' own password."),
    click.option("--ask-password", is_flag=True, help="Ask for the password, without echo."),
    click.option("--ask-sentinel-password", is_flag=True, help="Ask for the sentinels' own password."),
)
FLEET = (
    click.option(
        "--fleet-config", metavar="FILE", type=_FILE, help="Connect as Fleet does by its YAML and FLEET_REDIS_*."
    ),
    click.option("--fleet-env", is_flag=True, help="Connect as Fleet does by the variables FLEET_REDIS_*."),
)
REACH = (
    click.option("--user", metavar="NAME", help="The account; no name means the server's default one."),
    click.option("--database", metavar="N", type=click.IntRange(0, 2**31 - 1), help="Number of the database."),
    click.option("--tls/--no-tls", "use_tls", default=None, help="Speak TLS; any other option of TLS means it too."),
    click.option("--tls-ca", metavar="FILE", help="Who may have signed the server's certificate (PEM)."),
    click.option("--tls-cert", metavar="FILE", help="Client certificate (PEM)."),
    click.option("--tls-key", metavar="FILE", help="Key of the client certificate (PEM)."),
    click.option("--tls-server-name", metavar="NAME", help="Name that the certificate must carry, if not the host's."),
    click.option("--tls-no-verify", is_flag=True, default=None, help="UNSAFE: take any certificate."),
    click.option("--also", "also", metavar="HOST[:PORT]", multiple=True, help="Another node, or sentinel; repeatable."),
    click.option(
        "--read-from-replicas/--read-from-primaries",
        "replicas",
        default=None,
        help="Whom to read of a cluster; what replicas say may be late.",
    ),
    click.option("--sentinel", metavar="SERVICE", help="The addresses are those of sentinels that know this service."),
    click.option("--sentinel-tls/--sentinel-no-tls", default=None, help="The sentinels speak TLS."),
    click.option("--sentinel-user", metavar="NAME", help="The sentinels' own account, if not their default one."),
    click.option("--tunnel", metavar="[USER@]HOST[:PORT]", help="Reach the server through this SSH server."),
    click.option("--tunnel-key", metavar="FILE", help="SSH key, if neither the agent's nor a usual one."),
    click.option("--tunnel-known-hosts", metavar="FILE", help="Known host keys, if not ~/.ssh/known_hosts."),
    click.option("--connect-timeout", metavar="SECONDS", type=_SECONDS, help="To connect; 2 s by itself."),
    click.option("--reply-timeout", metavar="SECONDS", type=_SECONDS, help="For an answer to begin; 2 s by itself."),
)
BUDGET = click.option(
    "--budget",
    metavar="PERCENT",
    type=click.FloatRange(0.05, 10),
    help="Of one core of the server, for polling and for discovery each; 0.5 by itself.",
)
_TLS = {
    "tls_ca": "ca_file",
    "tls_cert": "cert_file",
    "tls_key": "key_file",
    "tls_server_name": "server_name",
}
_PLAIN = (
    "user",
    "database",
    "replicas",
    "sentinel",
    "sentinel_tls",
    "sentinel_user",
    "connect_timeout",
    "reply_timeout",
)
_OWN = (
    *("target", "password_env", "sentinel_password_env", "ask_password", "ask_sentinel_password"),
    *("fleet_config", "fleet_env"),
)
_NAMES = (
    *_OWN,
    *(*_PLAIN, "use_tls", *_TLS, "tls_no_verify", "also", "tunnel", "tunnel_key", "tunnel_known_hosts"),
)


@dataclass(frozen=True, slots=True)
class Where:
    """What the arguments say of the server. `given`: options of `REACH` by name, those that were given."""

    target: str | None = None
    password_env: str | None = None
    sentinel_password_env: str | None = None
    ask_password: bool = False
    ask_sentinel_password: bool = False
    fleet_config: Path | None = None
    fleet_env: bool = False
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> bool:
        """Whether any server is meant at all."""
        return bool(self.target or self.fleet_config or self.fleet_env)


def connection(command: F) -> Callable[..., object]:
    """Adds TARGET and the options; the command gets them as `where`."""

    @functools.wraps(command)
    def gathered(**arguments: Any) -> object:  # noqa: ANN401  (what click passes)
        return command(where=gather(arguments), **arguments)

    wrapped: Callable[..., object] = gathered
    for option in reversed((*ACCOUNT, *FLEET, *REACH)):
        wrapped = option(wrapped)
    return click.argument("target", metavar="[URL|PROFILE]", required=False)(wrapped)


def gather(arguments: dict[str, Any]) -> Where:
    """Takes what belongs to `Where` out of a command's arguments."""
    taken = {name: arguments.pop(name) for name in _NAMES if name in arguments}
    given = {name: value for name, value in taken.items() if name not in _OWN and value not in (None, ())}
    return Where(**{name: taken[name] for name in _OWN if name in taken}, given=given)


def changes(given: dict[str, Any], profile: Any) -> Any:  # noqa: ANN401  (a Profile, which is slow to import)
    """`profile` with the given options in place of what it says. Raises `BadAddress`."""
    import msgspec

    from fleetcache_gui.profiles.profile import TlsPart, TunnelPart
    from fleetcache_gui.redis_io.address import BadAddress

    new: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    tls = {theirs: given[ours] for ours, theirs in _TLS.items() if ours in given}
    if given.get("tls_no_verify"):
        tls["verify"] = False
    if given.get("use_tls") is False:
        if tls:
            raise BadAddress("--no-tls and the other options of TLS exclude one another.")
        new["tls"] = None
    elif tls or given.get("use_tls"):
        new["tls"] = msgspec.structs.replace(profile.tls or TlsPart(), **tls)
    if "also" in given:
        new["addresses"] = [*profile.addresses, *given["also"]]
    tunnel = {
        name.removeprefix("tunnel_"): given[name] for name in ("tunnel_key", "tunnel_known_hosts") if name in given
    }
    if "key" in tunnel:
        tunnel["key_file"] = tunnel.pop("key")
    if "tunnel" in given:
        user, _, place = given["tunnel"].rpartition("@")
        new["tunnel"] = TunnelPart(place, user, **tunnel)
    elif tunnel:
        if profile.tunnel is None:
            raise BadAddress("The options of a tunnel need --tunnel [USER@]HOST[:PORT].")
        new["tunnel"] = msgspec.structs.replace(profile.tunnel, **tunnel)
    return msgspec.structs.replace(profile, **new)
