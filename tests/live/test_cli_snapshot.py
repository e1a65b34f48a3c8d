"""`fleetcache-gui snapshot`: the documented shape, masked, bounded, and exit codes for scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from fleetcache_gui.cli import main
from fleetcache_gui.families.spec import SPEC
from tests.live.commands import CANARY, COMMAND, ended, run, run_all, some, start
from tests.live.readers import assert_only_reads, begin_counting
from tests.servers import VALKEY, Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "snapshot.md"
SECRET = "0c1f6e1e-1111-4222-8333-444455556666"
TOKEN = "api-1:0123456789abcdef"


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
    assert found.server.memory_bytes
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found.taken_at)
    assert list(found.families) == [family.id for family in SPEC.families]
    for part in found.families.values():
        assert (part.count, part.findings_omitted) == (len(part.rows), 0)
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


def test_a_full_disk_is_no_finding(valkey: Server) -> None:
    valkey.call("SET", "lock:a", "x")
    for extra in ((), ("--json",)):
        with Path("/dev/full").open("w") as full:
            command = [*COMMAND, "snapshot", valkey.url, *extra]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == "fleetcache-gui: The output could not be written: No space left on device.\n"
