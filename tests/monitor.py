"""What a real server carried out, by its own MONITOR: for tests of what was sent and of what was not.

    with Monitor(server) as seen:
        ...
        assert [command.words for command in seen.writes()] == [(b"UNLINK", b"k")]

A server shows a command when it carries it out, those inside scripts too; what it refuses before that (arity,
permissions) and commands of administrators (CONFIG, CLIENT, ACL...) it does not show, and AUTH only redacted.
"""

from __future__ import annotations

import re
import socket
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import redis

from tests import threads
from tests.servers import ServerError

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from tests.servers import Server

_TIMEOUT = 10.0  # seconds; a server shows within milliseconds
_LINE = re.compile(rb"\+[\d.]+ \[(\d+) (\S+)\] (.*)")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command as carried out by `client` (its address, or `lua` inside a script) in database `db`."""

    client: str
    db: int
    words: tuple[bytes, ...]

    @property
    def name(self) -> bytes:
        """In lower case, as COMMAND INFO has it."""
        return self.words[0].lower()


def parse(line: bytes) -> Command:
    """One line of MONITOR, without its end."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ServerError(f"MONITOR showed {line!r}")
    return Command(found[2].decode(), int(found[1]), tuple(_unescape(word) for word in _WORD.findall(found[3])))


def _unescape(word: bytes) -> bytes:
    def byte(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(byte, word)


class Monitor:
    """Watches a server from the beginning of its `with` block; ServerError when the server closes on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seen: list[Command] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name=f"monitor {server.port}")

    def sync(self) -> None:
        """Return when everything that the server has carried out by now has been seen."""
        marker = uuid.uuid4().hex.encode()
        self._ask("ECHO", marker)
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended or self._shows(marker), _TIMEOUT):
                raise ServerError(f"MONITOR of {self._server.name} showed nothing for {_TIMEOUT:g} s")
            if not self._shows(marker):
                raise ServerError(f"{self._server.name} closed the connection of MONITOR")

    def commands(self, exclude: Collection[bytes] = ()) -> list[Command]:
        """All up to now, after `sync`, but those of the monitor itself and those named, in lower case, in `exclude`."""
        self.sync()
        with self._changed:
            seen = list(self._seen)
        return [command for command in seen if command.client != self._own and command.name not in exclude]

    def writes(self) -> list[Command]:
        """Those of `commands` that this server flags as writes (in COMMAND INFO), inside of scripts or not."""
        seen = self.commands()
        names = {name for command in seen for name in _names(command)}
        facts = self._ask("COMMAND", "INFO", *names) if names else []
        writes = {name for name, fact in zip(names, facts, strict=True) if fact and b"write" in fact[2]}
        return [command for command in seen if writes.intersection(_names(command))]

    def _shows(self, marker: bytes) -> bool:
        return any(marker in command.words for command in reversed(self._seen))

    def _ask(self, *words: bytes | str) -> Any:
        try:
            self._asking.send_command(*words)
            return self._asking.read_response()
        except redis.ConnectionError as error:
            raise ServerError(f"{self._server.name} closed the connection of its monitor") from error

    def _watch(self) -> None:
        for line in self._lines:
            with self._changed:
                self._seen.append(parse(line.removesuffix(b"\r\n")))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        host, port = self._server.host, self._server.port
        self._asking = redis.Connection(host=host, port=port, protocol=2, socket_timeout=_TIMEOUT)
        self._own = dict(fact.split("=", 1) for fact in self._ask("CLIENT", "INFO").decode().split())["addr"]
        self._socket = socket.create_connection((host, port))
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        if (answer := self._lines.readline()) != b"+OK\r\n":
            raise ServerError(f"MONITOR was answered by {answer!r}")
        threads.begin()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        threads.end()
        self._lines.close()
        self._socket.close()
        self._asking.disconnect()


def _names(command: Command) -> list[bytes]:
    """What COMMAND INFO may know it by: its name, or as a subcommand its container's and its own."""
    return [command.name, *(command.name + b"|" + word for word in command.words[1:2])]
