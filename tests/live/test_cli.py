"""The command line as a shell sees it: output, exit codes, one sentence for each trouble, and nothing left running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import redis

from fleetcache_gui.cli import main
from fleetcache_gui.families.spec import SPEC
from tests.live.readers import assert_only_reads, begin_counting
from tests.servers import REDIS_7, VALKEY, Server, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "fleetcache_gui"]
DOCUMENT = Path(__file__).parents[2] / "docs" / "snapshot.md"
SECRET = "0c1f6e1e-1111-4222-8333-444455556666"
CANARY = "hunter2"
TOKEN = "api-1:0123456789abcdef"


class Done:
    """A command that has ended."""

    def __init__(self, process: subprocess.Popen[bytes], stdout: bytes, stderr: bytes) -> None:
        self.code = process.returncode
        self.out, self.err = stdout.decode(), stderr.decode()

    def failed(self) -> str:
        """Its one sentence or two; exit code 2, no credential in it."""
        assert self.code == 2, self.err
        assert CANARY not in self.out
        assert re.fullmatch(r"fleetcache-gui: [^\n]+\.\n", self.err), self.err
        assert "Traceback" not in self.err
        assert CANARY not in self.err
        return self.err


def start(*args: str, folder: str = ".", **env: str) -> subprocess.Popen[bytes]:
    # The prompt for a password needs a terminal, and a test must not find the one it was started from.
    environment = {**os.environ, **env}
    return subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Killed with the block if it has not ended by itself."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes]) -> Done:
    return Done(process, *process.communicate(timeout=60))


def run(*args: str, **env: str) -> Done:
    return end(start(*args, **env))


def run_all(*commands: tuple[str, ...]) -> list[Done]:
    """All at once: most of their time is Python's start."""
    return [end(process) for process in [start(*command) for command in commands]]


def some(process: subprocess.Popen[bytes], size: int) -> bytes:
    """The first `size` bytes of its output, or a few more."""
    assert process.stdout is not None
    found = b""
    while len(found) < size:
        found += os.read(process.stdout.fileno(), size)
    return found


def snapshot(server: Server, *args: str) -> Any:
    done = run("snapshot", server.url, "--json", *args)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


# ---- the schema -------------------------------------------------------------------------------------------


class Facts(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    software: str
    version: str
    mode: str
    role: str
    keys: int | None
    memory_bytes: int | None


class Key(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    type: str
    expires_at_ms: int | None


class Share(msgspec.Struct, forbid_unknown_fields=True):
    done: int
    total: int | None


class Row(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    state: str
    why: str
    keys: list[Key]
    columns: dict[str, str | int | float | Share | None]


class ServerFinding(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    severity: str
    text: str
    meaning: str
    advice: str


class Finding(ServerFinding, forbid_unknown_fields=True):
    row: str


class Part(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[Row]
    count: int
    findings: list[Finding]
    findings_omitted: int


class Document(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    server: Facts
    server_findings: list[ServerFinding]
    layout: str
    taken_at: str
    families: dict[str, Part]
    complete: bool


def fill(server: Server) -> None:
    """Something of every family, hostile names included."""
    with redis.Redis(port=server.port) as client:
        client.sadd("live_query:active", 7)
        client.set("live_query:campaign:7:sql", "SELECT 1")
        client.sadd("live_query:campaign:7:hosts_completed", 1, 2, 3)
        client.set("live_query:campaign:8:sql", "SELECT 2")
        client.set("lock:cron:vuln", TOKEN)
        client.pexpireat("lock:cron:vuln", 4_000_000_000_000)
        client.set("lock:for-ever", TOKEN)
        client.set(b"lock:\xff\x00\r\n\xe2\x80\xae<img>", TOKEN, ex=600)
        client.lpush("async_host:detail", "a", "b")
        client.hset("mdm:apple:preassign:C02", mapping={"team": "Mac", "external_id": "x", "profile": "y"})
        client.expire("mdm:apple:preassign:C02", 600)
        client.set(f"sw:installer:token:{SECRET}", '{"title_id":1,"team_id":2}', ex=600)
        client.set("sw:installer:token:77776666-no-uuid", "{}")
        client.set("rate_limit:login:10.0.0.1", 3, ex=60)
        client.set("cache:app_config", "{}", px=60_000)
        client.zadd("other", {"x": 1})


def test_a_snapshot_has_the_documented_shape(server: Server) -> None:
    fill(server)
    begin_counting(server)
    done = run("snapshot", server.url, "--json", "--hosts", "10")
    assert_only_reads(server)
    assert (done.code, done.err) == (0, "")
    found = msgspec.json.decode(done.out, type=Document)
    assert (found.schema, found.layout, found.complete) == ("fleetcache-snapshot/1", "spec", True)
    assert found.server.address == f"127.0.0.1:{server.port}"
    assert found.server.software == ("Valkey" if server.name == VALKEY.name else "Redis")
    assert found.server.keys == 14
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found.taken_at)
    assert list(found.families) == [family.id for family in SPEC.families]
    for part in found.families.values():
        assert part.count == len(part.rows)
        ids = {row.id for row in part.rows}
        assert {finding.row for finding in part.findings} <= ids
    assert_rows(found)
    assert done.out.isascii()


def assert_rows(found: Document) -> None:
    locks = {row.id: row for row in found.families["locks"].rows}
    assert locks["lock:cron:vuln"].keys == [Key("lock:cron:vuln", "string", 4_000_000_000_000)]
    assert locks["lock:cron:vuln"].columns["left"] == 4_000_000_000_000
    assert locks["lock:cron:vuln"].columns["holder"] == "api-1"
    assert locks["lock:for-ever"].keys[0].expires_at_ms is None
    assert "lock:\\xff\\x00\\r\\n\\u{202e}<img>" in locks
    campaigns = {row.id: row for row in found.families["live_queries"].rows}
    assert campaigns["7"].columns["answered"] == Share(3, 10)
    assert [key.type for key in campaigns["7"].keys] == ["string", "set"]
    codes = {finding.id: finding for part in found.families.values() for finding in part.findings}
    assert codes["lock.no-ttl"].severity == "critical"
    assert codes["lock.no-ttl"].row == "lock:for-ever"
    assert codes["campaign.orphaned"].row == "8"
    assert found.families["host_queue"].rows[0].columns["depth"] == 2


def test_the_document_names_every_field_and_column(valkey: Server) -> None:
    fill(valkey)
    text = DOCUMENT.read_text()
    for struct in (Document, Facts, Part, Row, Key, Finding, Share):
        for name in struct.__struct_fields__:
            assert f"`{name}`" in text, name
    for family_id, part in snapshot(valkey)["families"].items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{family_id}` |"))
        documented = set(re.findall(r"`(\w+)`", line)) - {family_id}
        assert all(set(row["columns"]) == documented for row in part["rows"])
        assert part["rows"]


def test_one_family_or_more(valkey: Server) -> None:
    fill(valkey)
    assert list(snapshot(valkey, "--family", "locks")["families"]) == ["locks"]
    assert list(snapshot(valkey, "--family", "other", "--family", "locks")["families"]) == ["locks", "other"]
    assert "There is no family 'nope'" in run("snapshot", valkey.url, "--family", "nope").failed()


def test_secrets_are_masked_everywhere_unless_asked_for(valkey: Server) -> None:
    fill(valkey)
    masked, summary, revealed = run_all(
        ("snapshot", valkey.url, "--json"),
        ("snapshot", valkey.url),
        ("snapshot", valkey.url, "--json", "--reveal", "--family", "installer_tokens"),
    )
    for done in (masked, summary):
        assert done.code == 0
        for part in (SECRET, SECRET[:9], "77776666", "no-uuid"):
            assert part not in done.out, part
    tokens = json.loads(masked.out)["families"]["installer_tokens"]
    assert {row["id"] for row in tokens["rows"]} == {"sw:installer:token:0c1f…", "sw:installer:token:7777…"}
    shown = json.loads(revealed.out)["families"]["installer_tokens"]["rows"]
    row = next(row for row in shown if row["id"] == f"sw:installer:token:{SECRET}")
    assert (row["title"], row["keys"][0]["name"]) == (f"Token {SECRET}", f"sw:installer:token:{SECRET}")
    assert row["columns"]["token"] == SECRET
    row = next(row for row in shown if row["id"] == "sw:installer:token:77776666-no-uuid")
    assert "77776666-no-uuid does not fit" in row["why"]
    (finding,) = json.loads(revealed.out)["families"]["installer_tokens"]["findings"]
    assert "77776666-no-uuid does not fit" in finding["text"]


def test_a_summary_for_people(valkey: Server) -> None:
    fill(valkey)
    done = run("snapshot", valkey.url)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"127.0.0.1:{valkey.port}: Valkey 9.1")
    assert "14 keys" in done.out
    assert re.search(r"^Locks: 3 locks \((1 (too long|held|no expiry)(, )?){3}\)$", done.out, re.MULTILINE)
    assert "  critical: Lock for-ever, held by api-1, has no expiry. " in done.out
    assert all(line.isprintable() for line in done.out.splitlines())


def test_an_empty_server(valkey: Server) -> None:
    found = msgspec.json.decode(json.dumps(snapshot(valkey)), type=Document)
    assert all((part.rows, part.findings, part.count) == ([], [], 0) for part in found.families.values())
    assert found.complete


def test_what_may_not_be_read_makes_it_incomplete(valkey: Server) -> None:
    fill(valkey)
    valkey.call("ACL", "SETUSER", "narrow", "reset", "on", f">{CANARY}", "~lock:*", "-@all", "+@read")
    try:
        url = f"redis://narrow:{CANARY}@127.0.0.1:{valkey.port}"
        told, summary = run_all(("snapshot", url, "--json"), ("snapshot", url))
    finally:
        valkey.call("ACL", "DELUSER", "narrow")
    found = msgspec.json.decode(told.out, type=Document)
    assert not found.complete
    assert len(found.families["locks"].rows) == 3
    assert found.families["rate_limits"].rows[0].keys[0].type == "?"
    assert "Not complete: the account may not read all keys." in summary.out
    assert CANARY not in told.out + told.err + summary.out + summary.err


@pytest.mark.parametrize(
    ("lock", "codes"), [(None, (0, 0, 0)), ("warning", (0, 1, 0)), ("critical", (0, 1, 1))], ids=str
)
def test_exit_codes_tell_findings(valkey: Server, lock: str | None, codes: tuple[int, int, int]) -> None:
    if lock:
        valkey.call("SET", "lock:x", TOKEN, *(("EX", 200_000) if lock == "warning" else ()))
    one = ("snapshot", valkey.url, "--family", "locks")
    done = run_all(one, (*one, "--fail-on", "warning"), (*one, "--fail-on", "critical", "--json"))
    assert tuple(result.code for result in done) == codes
    assert all(result.err == "" and result.out for result in done)


def test_the_server_is_judged_too(valkey: Server) -> None:
    memory = int(valkey.info("memory")["used_memory"])
    one = ("snapshot", valkey.url, "--family", "locks", "--fail-on")
    try:
        valkey.call("CONFIG SET", "maxmemory", memory // 2)
        told, summary = run_all((*one, "critical", "--json"), (*one, "warning"))
    finally:
        valkey.call("CONFIG SET", "maxmemory", 0)
    assert (told.code, summary.code) == (1, 1)
    (finding,) = msgspec.json.decode(told.out, type=Document).server_findings
    assert (finding.id, finding.severity) == ("server.memory", "critical")
    assert re.search(r"^  critical: The server's memory is nearly full: 2\d\d % of ", summary.out, re.MULTILINE)
    assert finding.advice in summary.out
    assert run(*one, "warning").code == 0


def test_limits_of_endpoints_are_judged(valkey: Server) -> None:
    valkey.call("SET", "rate_limit:login:10.0.0.1", 12, "EX", 60)
    valkey.call("SET", "rate_limit:enroll:10.0.0.1", 12, "EX", 60)
    part = snapshot(valkey, "--limit", "login=10", "--limit", "enroll=100")["families"]["rate_limits"]
    counts = {row["columns"]["endpoint"]: (row["columns"]["count"]["total"], row["state"]) for row in part["rows"]}
    assert counts == {"login": (10, "over"), "enroll": (100, "ok")}
    assert [finding["id"] for finding in part["findings"]] == ["rate.over"]


@pytest.mark.parametrize("limit", ["login", "=10", "login=", "login=0", "login=-1", "login=1.5", "login=x", "a:b=1"])
def test_a_limit_that_is_none(limit: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("open", "snapshot"):
        monkeypatch.setattr(sys, "argv", ["fleetcache-gui", command, "redis://127.0.0.1:1", "--limit", limit])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert f"{limit!r} is not ENDPOINT=N, such as login=10" in capsys.readouterr().err


def test_two_limits_of_one_endpoint() -> None:
    limits = ("--limit", "login=10", "--limit", "login=20")
    assert "has two limits" in run("snapshot", "redis://127.0.0.1:1", *limits).failed()


def test_memory_does_not_grow_with_the_rows(valkey: Server) -> None:
    """Rows as objects would take some 2 KB each; the inventory takes 85 bytes a key."""

    def peak(keys: int) -> int:
        with redis.Redis(port=valkey.port) as client:
            client.mset({f"lock:{n}": TOKEN for n in range(keys)})
        with open(os.devnull, "wb") as nowhere:
            process = subprocess.Popen([*COMMAND, "snapshot", valkey.url, "--json"], stdout=nowhere)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss * 1024

    few, many = peak(300), peak(10_000)
    assert many - few < 10_000 * 1000


def test_rows_are_written_as_they_are_read(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(3000)})
    with ended(start("snapshot", valkey.url, "--json")) as process:
        first = some(process, 50_000)
        assert first.count(b'"title"') > 50
        assert process.poll() is None  # it waits for its reader with most of the rows still to be read
        rest, _ = process.communicate(timeout=60)
    assert len(json.loads(first + rest)["families"]["locks"]["rows"]) == 3000


def test_a_reader_who_has_enough_is_no_error(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(2000)})
    for args in (("--json",), (), ("--json", "--family", "other")):
        with ended(start("snapshot", valkey.url, *args)) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 0


def test_a_reader_who_has_gone_before_the_first_word() -> None:
    with ended(start("demo", "--server", "redis://cache.example.com", QT_QPA_PLATFORM="offscreen")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"this machine" in process.stderr.read()
        assert process.wait(60) == 2


def test_a_terminal_that_knows_ascii_alone(valkey: Server) -> None:
    valkey.call("SET", "lock:\u20ac", TOKEN)
    done = run("snapshot", valkey.url, PYTHONIOENCODING="ascii")
    assert (done.code, done.err) == (0, "")
    assert "\\u20ac" in done.out


# ---- troubles ---------------------------------------------------------------------------------------------


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """Something on a port that is no Redis."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.sendall(words)
                client.recv(100)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def test_addresses_that_cannot_be_used() -> None:
    urls = {
        "localhost": "must start with redis://",
        f"http://me:{CANARY}@h": "must start with redis://",
        f"redis://me:{CANARY}#@h": "%23",
        f"redis://me:{CANARY}@h:99999": "port must be a number",
        f"redis://me:{CANARY}/@h": "%2F",
        f"rediss://me:{CANARY}@h?ssl_cert_reqs=none": "verification of certificates",
        f"redis://me:{CANARY}@h/x": "number of the database",
        f"redis://me:{CANARY}@no-such-host.invalid": "is not known",
    }
    commands = [("open" if "x" in url[-2:] else "snapshot", url) for url in urls]
    for (_, url), done in zip(commands, run_all(*commands), strict=True):
        assert urls[url] in done.failed()


def test_servers_that_are_none(valkey: Server) -> None:
    with speaking(b"SSH-2.0-OpenSSH_9.2p1\r\n") as ssh, speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as http:
        urls = {
            f"redis://127.0.0.1:{free_port()}": "Nothing accepts connections",
            f"redis://:{CANARY}@127.0.0.1:{ssh}": "is not a Redis or Valkey server",
            f"redis://127.0.0.1:{http}": "is not a Redis or Valkey server",
            f"{valkey.url[:-1]}99": "has no database 99",
            valkey.url.replace("redis:", "rediss:"): "127.0.0.1",
        }
        started = time.monotonic()
        for (_, hint), done in zip(urls.items(), run_all(*(("snapshot", url) for url in urls)), strict=True):
            assert hint in done.failed()
        assert time.monotonic() - started < 20
        nobody = f"redis://127.0.0.1:{free_port()}"
        for done in run_all(("open", nobody), ("pictures", "never-made", nobody)):
            assert "Nothing accepts" in done.failed()
    assert not Path("never-made").exists()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server with one account that wants a password."""
    with Server(REDIS_7) as server:
        server.call("ACL", "SETUSER", "reader", "on", f">{CANARY}", "~*", "+@all")
        server.call("SET", "lock:x", TOKEN, "EX", 600)
        yield server


def attempts(server: Server) -> int:
    count = sum(int(entry["count"]) for entry in server.call("ACL LOG") if entry["reason"] == "auth")
    server.call("ACL LOG", "RESET")
    return count


def test_a_wrong_password_is_sent_once(guarded: Server) -> None:
    attempts(guarded)
    refused = run("snapshot", f"redis://reader:wrong@127.0.0.1:{guarded.port}")
    assert "refused the user name or password" in refused.failed()
    assert "wrong" not in refused.err
    assert attempts(guarded) == 1


def test_a_password_from_the_environment(guarded: Server) -> None:
    url = f"redis://reader@127.0.0.1:{guarded.port}"
    done = run("snapshot", url, "--password-env", "CACHE_PASSWORD", CACHE_PASSWORD=CANARY)
    assert (done.code, done.err) == (0, "")
    assert CANARY not in done.out
    assert "CACHE_PASSWORD is not set" in run("snapshot", url, "--password-env", "CACHE_PASSWORD").failed()
    assert "user name or password" in run("snapshot", url).failed()  # and nobody is there to be asked


@pytest.mark.parametrize(
    ("typed", "code"), [(CANARY, 0), ("wrong", 2), ("\x03", 130)], ids=["right", "wrong", "ctrl-c"]
)
def test_a_password_is_asked_for_without_echo(guarded: Server, typed: str, code: int) -> None:
    attempts(guarded)
    master, terminal = os.openpty()
    url = f"redis://reader@127.0.0.1:{guarded.port}"
    asking = [*COMMAND, "snapshot", url, "--ask-password"]
    process = subprocess.Popen(asking, preexec_fn=lambda: os.login_tty(terminal))
    os.close(terminal)
    said = b""
    try:
        while b"Password" not in said or not said.endswith(b": "):
            said += os.read(master, 1000)
        os.write(master, f"{typed}\n".encode() if typed.isprintable() else typed.encode())
        while True:
            said += os.read(master, 1000)
    except OSError:  # the other end has been closed
        pass
    finally:
        os.close(master)
    assert process.wait(30) == code
    text = said.decode()
    assert f"Password for 127.0.0.1:{guarded.port}: " in text
    assert CANARY not in text
    assert "wrong" not in text
    assert "Traceback" not in text
    assert attempts(guarded) == (1 if typed == "wrong" else 0)


def test_a_server_that_dies_meanwhile(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(5000)})
    with ended(start("snapshot", valkey.url, "--json")) as process:
        first = some(process, 10_000)
        valkey.kill()
        rest, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(rb"fleetcache-gui: The connection to [^\n]+ was lost\. [^\n]+\n", said)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        json.loads(first + rest)


def test_what_cannot_be_done() -> None:
    cluster, unfit, folder, usage = run_all(
        ("demo", "--cluster"),
        ("demo", "--server", f"redis://:{CANARY}@cache.example.com:6379"),
        ("demo", "--pictures", "/proc/no-folder"),
        ("snapshot",),
    )
    assert "does not run on a cluster yet" in cluster.failed()
    assert "this machine" in unfit.failed()
    assert "/proc/no-folder cannot be made" in folder.failed()
    assert usage.code == 2
    assert "Missing argument 'URL'" in usage.err


def test_a_machine_without_a_display(valkey: Server) -> None:
    bare = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    said = run("open", valkey.url, **bare).failed()
    assert "There is no display here" in said
    assert "snapshot URL" in said


def test_help_and_version() -> None:
    shown, asked = run_all(("--help",), ("--version",))
    assert shown.code == asked.code == 0
    for command in ("demo", "open", "snapshot", "pictures"):
        assert f"  {command}" in shown.out
    assert re.fullmatch(r"fleetcache-gui, version \S+\n", asked.out)


# ---- the demo ---------------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process exists; one that only waits to be reaped by its new parent does not count."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def until_its_server_runs(pid: int) -> tuple[int, list[int]]:
    """Its port, and the processes that the demo has started."""
    found: list[int] = []

    def seen() -> bool:
        for child in children(pid):
            port = re.search(rb"--port\0(\d+)", Path(f"/proc/{child}/cmdline").read_bytes())
            found.extend([int(port[1])] if port else ())
        return bool(found)

    wait_until(seen, "the demo starts its server")
    return found[0], children(pid)


def test_the_demo_is_drawn_and_ends_with_its_server(tmp_path: Path) -> None:
    pictures, files = tmp_path / "pictures", tmp_path / "files"
    files.mkdir()
    args = ("--hosts", "200", "--speed", "10", "--queue", "stream", "--pictures", str(pictures))
    with ended(start("demo", *args, TMPDIR=str(files), QT_QPA_PLATFORM="offscreen")) as process:
        _, servers = until_its_server_runs(process.pid)
        done = end(process)
    assert (done.code, done.err) == (0, "")
    names = {path.name for path in pictures.iterdir()}
    tabs = {"overview", *(family.id.replace("_", "-") for family in SPEC.families)}
    assert names == {f"{tab}-{mode}.png" for tab in tabs for mode in ("light", "dark")}
    assert all(path.stat().st_size > 5000 for path in pictures.iterdir())
    for family in SPEC.families:
        assert re.search(rf"^{family.title}: [1-9][0-9,]* ", done.out, re.MULTILINE), family.title
    assert "18 pictures in " in done.out
    wait_until(lambda: not any(map(runs, servers)), "the demo's server is gone")
    assert list(files.iterdir()) == []


def test_ctrl_c_ends_everything_the_demo_started(tmp_path: Path) -> None:
    """On a machine without a display, where it says so first."""
    files = tmp_path / "files"
    files.mkdir()
    bare = {"TMPDIR": str(files), "DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    with ended(start("demo", "--speed", "10", "--hosts", "100", folder=str(tmp_path), **bare)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == b"There is no display here, so the demo runs for 15 s and is drawn to demo-pictures/.\n"
        port, servers = until_its_server_runs(process.pid)

        def works() -> bool:
            try:
                with redis.Redis(port=port) as client:
                    return bool(client.dbsize())
            except redis.RedisError:
                return False

        wait_until(works, "the simulated fleet fills its server")
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - started < 5
    assert (process.returncode, out, err) == (128 + signal.SIGINT, b"", b"")
    wait_until(lambda: not any(map(runs, servers)), "the demo's server is gone")
    assert list(files.iterdir()) == []
