"""Whatever ends a mai, the project is the old one or the new one: real processes, really killed."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mai.apply import undo_store
from mai.plugins.loader import Catalog
from mai.project.reader import read_base, read_lock, read_manifest

from tests.apply.steps import look
from tests.conftest import Mai
from tests.update.conftest import with_newer_shelves, with_shelves
from tests.update.installed import command, install, release
from tests.update.releases import make_project

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

Look = dict[str, tuple[int, bytes | str]]
KILLED = -signal.SIGKILL
STORE = ".mai/.undo"


@dataclass(frozen=True)
class Case:
    """A command, and the project before and after it."""

    argv: tuple[str, ...]
    installed: Catalog
    project: Path
    old: Look
    new: Look
    seconds: float
    """What the command takes."""
    writing_s: float
    """What of it passes between its first write and its last."""
    swapping_s: float
    """What of that passes while files of the project are being swapped."""

    @property
    def start(self) -> list[str]:
        return command(self.installed, *self.argv)


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return release(tmp_path_factory.mktemp("present"), "1.0.0", with_shelves)


@pytest.fixture(scope="module")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("coming")
    return release(folder, "1.1.0", with_shelves, with_newer_shelves)


@pytest.fixture(scope="module")
def cases(
    present: Catalog, coming: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> list[Case]:
    """An add, an update, and the undo of that update, on a project with edits and an add before."""
    root = make_project(tmp_path_factory.mktemp("made") / "shop", present)
    with (root / "src/shop/shelf.py").open("a", encoding="utf-8") as file:
        file.write("MINE = 1\n")
    first = command(present, "add", "tool", "weather", "--no-install")
    subprocess.run(first, cwd=root, check=True, capture_output=True)
    add = ("add", "agent", "support", "--no-install")
    update, undo = ("update", "--no-install"), ("undo", "--no-install")
    updated = tmp_path_factory.mktemp("updated") / "shop"
    shutil.copytree(root, updated)
    subprocess.run(command(coming, *update), cwd=updated, check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("measured")
    return [
        _measured(add, present, root, folder / "add"),
        _measured(update, coming, root, folder / "update"),
        _measured(undo, coming, updated, folder / "undo"),
    ]


def _measured(argv: tuple[str, ...], installed: Catalog, project: Path, copy: Path) -> Case:
    shutil.copytree(project, copy)
    started = time.monotonic()
    process = _start(command(installed, *argv), copy)
    _await(process, (copy / STORE / ".work").exists)
    writing = time.monotonic()
    log = copy / STORE / "applying"
    _await(process, log.exists)
    swapping = time.monotonic()
    _await(process, lambda: not log.exists())
    written = time.monotonic()
    assert process.wait() == 0
    whole = time.monotonic() - started
    states = look(project), look(copy)
    return Case(argv, installed, project, *states, whole, written - writing, written - swapping)


def _start(argv: list[str], root: Path) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(argv, cwd=root, stdin=quiet, stdout=quiet, stderr=quiet)


def _await(process: subprocess.Popen[bytes], what: Callable[[], bool]) -> None:
    """Returns as soon as it has happened, or the process has ended."""
    while not what() and process.poll() is None:
        time.sleep(0.0002)


@contextmanager
def copied(case: Case, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "shop"
    shutil.copytree(case.project, root)
    yield root
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
    shutil.rmtree(root)


def ended_at_random(case: Case, root: Path, dice: random.Random, number: signal.Signals) -> int:
    """Runs the command, sends it the signal and gives its exit code.

    A third of the signals come at any time, a third while it writes, and a third while it swaps.
    """
    process = _start(case.start, root)
    kind = dice.randrange(3)
    if kind == 0:
        time.sleep(dice.uniform(0, case.seconds))
    elif kind == 1:
        _await(process, (root / STORE / ".work").exists)
        time.sleep(dice.uniform(0, case.writing_s))
    else:
        _await(process, (root / STORE / "applying").exists)
        time.sleep(dice.uniform(0, case.swapping_s))
    process.send_signal(number)
    return process.wait()


def is_whole(root: Path) -> bool:
    lock = read_lock(root)
    return read_base(root, lock) is not None and read_manifest(root) == lock.manifest


def stray(root: Path) -> list[str]:
    """What lies in the undo store and is neither an entry nor the lock file."""
    names = (path.name for path in (root / STORE).iterdir())
    return [name for name in names if not re.fullmatch(r"\d{4}\.zip|lock", name)]


# --- kill -9 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_kill_leaves_the_old_or_the_new_project(
    cases: list[Case],
    kills: int,
    tmp_path: Path,
    mai: Mai,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    dice = random.Random(kills)  # noqa: S311
    figures: Counter[str] = Counter()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    for number in range(kills):
        case = cases[number % len(cases)]
        install(case.installed, monkeypatch)
        with copied(case, work) as root:
            code = ended_at_random(case, root, dice, signal.SIGKILL)
            assert code in {KILLED, 0}
            begun = (root / STORE / "applying").exists()
            half = look(root) not in (case.old, case.new)
            assert begun or not half
            monkeypatch.chdir(root)
            recover(mai, dice)
            state = look(root)
            assert state in (case.old, case.new), case.argv
            assert is_whole(root)
            assert stray(root) == []
            figures["killed" if code else "had ended"] += 1
            figures["new" if state == case.new else "old"] += 1
            figures["committed and unfinished"] += begun
            figures["half written"] += half
            undo_works_on(case, state, root, mai)
            monkeypatch.chdir(tmp_path)
    with capfd.disabled():
        sys.stdout.write(f"\n{kills} kills: {json.dumps(figures)}\n")
    assert figures["old"]
    assert figures["new"]
    assert figures["committed and unfinished"]


def recover(mai: Mai, dice: random.Random) -> None:
    """`mai doctor`, or a command that changes nothing."""
    if dice.random() < 0.5:
        # Exit code 1: there is no uv.lock.
        found = mai("doctor", "--json", expect=1).json()["checks"]
        wrong = {check["name"] for check in found if not check["ok"]}
        assert wrong <= {"uv.lock", "uv"}
    else:
        mai("set", "--no-install")


def undo_works_on(case: Case, state: Look, root: Path, mai: Mai) -> None:
    """Undo takes back what is there to be taken back, and the first add at last."""
    steps = {("add", True): 2, ("add", False): 1, ("update", True): 2, ("update", False): 1}
    steps |= {("undo", True): 1, ("undo", False): 2}
    for _ in range(steps[case.argv[0], state == case.new]):
        assert (root / "src/shop/tools/weather.py").exists()
        mai("undo", "--no-install")
    assert not (root / "src/shop/tools/weather.py").exists()
    assert "there is nothing to undo" in mai("undo", expect=1).stderr
    assert "MINE = 1" in (root / "src/shop/shelf.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("step", [1, 2])
def test_an_undo_that_was_killed_between_its_last_steps_is_done(
    cases: list[Case], step: int, tmp_path: Path, mai: Mai, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project is the old one already; what is left in the undo store must not hide the rest."""
    case = cases[2]
    install(case.installed, monkeypatch)
    with copied(case, tmp_path) as root:
        monkeypatch.chdir(root)
        left = step

        def drop(folder: Path, entry: undo_store.Entry) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise SystemExit(KILLED)
            really_drop(folder, entry)

        really_drop = undo_store.drop
        with monkeypatch.context() as patched:
            patched.setattr(undo_store, "drop", drop)
            mai("undo", "--no-install", expect=KILLED)
        assert look(root) == case.new
        undo_works_on(case, case.new, root, mai)
        monkeypatch.chdir(tmp_path)


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize("times", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_a_stopped_command_leaves_nothing_to_recover(
    cases: list[Case], number: signal.Signals, times: int, tmp_path: Path
) -> None:
    dice = random.Random(times)  # noqa: S311
    for turn in range(times):
        case = cases[turn % len(cases)]
        with copied(case, tmp_path) as root:
            code = ended_at_random(case, root, dice, number)
            state = look(root)
            assert state in (case.old, case.new)
            if code == 0:
                assert state == case.new
            assert is_whole(root)
            assert set(stray(root)) <= {".work"}
            assert not (root / STORE / "applying").exists()


# --- Two at once ----------------------------------------------------------------------------------


def test_two_at_once_do_both(cases: list[Case], tmp_path: Path, mai: Mai) -> None:
    case = cases[0]
    added = [("tool", "rain"), ("tool", "snow"), ("agent", "desk")]
    with copied(case, tmp_path) as one_by_one:
        for kind, name in added:
            argv = command(case.installed, "add", kind, name, "--no-install")
            subprocess.run(argv, cwd=one_by_one, check=True, capture_output=True)
        expected = look(one_by_one)
    with copied(case, tmp_path) as root:
        running = [
            _start(command(case.installed, "add", kind, name, "--no-install"), root)
            for kind, name in added
        ]
        assert [process.wait() for process in running] == [0, 0, 0]
        assert look(root) == expected
        assert is_whole(root)
        assert stray(root) == []
        assert len(list((root / STORE).glob("*.zip"))) == 1 + len(added)
