"""All or nothing, on real files: errors at every step, kills at every step, links, two at once."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mai.apply import undo_store
from mai.apply.transaction import apply, locked
from mai.errors import MaiError, Refused, WriteFailed
from mai.plan.outcomes import Outcome
from mai.project.tree import File, read_tree

from tests.apply.steps import (
    NEW,
    OLD,
    PLAN,
    REAL,
    at_step,
    broken,
    disk_full,
    from_step,
    look,
    make_project,
    outcomes,
    write,
)
from tests.conftest import ROOT

unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals, links and modes")
Look = dict[str, tuple[int, bytes | str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "my project"
    root.mkdir()
    make_project(root)
    return root


@pytest.fixture
def done(tmp_path: Path) -> Look:
    """What the project looks like after the plan."""
    root = tmp_path / "done"
    root.mkdir()
    make_project(root)
    run(root)
    return look(root)


def run(root: Path) -> None:
    with locked(root):
        apply(root, PLAN, "mai add tool clock")


def files(root: Path) -> dict[str, File]:
    tree = read_tree(root)
    return {path: file for path, file in tree.items() if not path.startswith(".mai/.undo/")}


def filled(root: Path) -> Look:
    """What it looks like without empty folders: the disk may not have let mai remove them."""
    state = look(root)
    real = {path for path, (_, shown) in state.items() if shown != "folder"}
    full = real | {str(parent) for path in real for parent in PurePosixPath(path).parents}
    return {path: state[path] for path in state if path in full}


def leftovers(root: Path) -> list[str]:
    """What mai's own folder holds beside entries."""
    found = (path.name for path in (root / ".mai/.undo").glob("*") if path.suffix != ".zip")
    return sorted(set(found) - {"lock"})


def test_every_outcome_is_written(project: Path) -> None:
    before = look(project)
    with locked(project) as recovered:
        entry = apply(project, PLAN, "mai add tool clock")
    assert recovered is None
    assert files(project) == {**NEW, "docs/real.md": NEW["linked.md"]}
    assert not (project / "src/gone").exists()
    assert leftovers(project) == []
    after = look(project)
    assert after["linked.md"] == before["linked.md"]
    assert after["kept/mine.py"] == before["kept/mine.py"]
    assert entry is not None
    assert (entry.number, entry.command) == (1, "mai add tool clock")
    assert entry.before == {**{p: OLD[p] for p in OLD if p != "kept/mine.py"}, "linked.md": REAL}
    assert entry.after == {path: NEW[path] for path in NEW if path != "kept/mine.py"}


@unix
def test_modes_stay_but_for_the_exec_bits(project: Path) -> None:
    (project / "run.sh").chmod(0o640)
    (project / "README.md").chmod(0o604)
    run(project)
    after = look(project)
    assert (after["run.sh"][0], after["README.md"][0]) == (0o750, 0o604)
    assert after["src/new"][0] == 0o777 & ~_umask()
    assert after["empty"][0] == 0o666 & ~_umask()


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_nothing_to_write_leaves_no_entry(project: Path) -> None:
    same = Outcome("README.md", "identical", OLD["README.md"], OLD["README.md"])
    left = Outcome("run.sh", "conflict", None, OLD["run.sh"])
    skipped = Outcome("kept/mine.py", "skip", None, OLD["kept/mine.py"])
    with locked(project):
        assert apply(project, [same, left, skipped], "mai add tool clock") is None
    assert undo_store.entries(project) == []


def test_a_folder_with_a_file_of_the_users_own_stays(project: Path) -> None:
    (project / "src/gone/notes.txt").touch()
    (project / "src/gone/deep/__pycache__").mkdir()
    (project / "src/gone/deep/__pycache__/notes.txt").touch()
    run(project)
    left = {path.relative_to(project).as_posix() for path in (project / "src/gone").rglob("*.txt")}
    assert left == {"src/gone/notes.txt", "src/gone/deep/__pycache__/notes.txt"}


@pytest.mark.parametrize("chosen", [at_step, from_step])
def test_a_full_disk_at_any_step_leaves_old_or_new(
    tmp_path: Path, done: Look, chosen: Callable[[int], Callable[[int], bool]]
) -> None:
    """The disk breaks at the first step, at the second, until the apply needs no more steps.

    One that stays full may keep mai from taking its steps back: then the next command finishes.
    """
    for number in count(1):
        root = tmp_path / str(number)
        root.mkdir()
        make_project(root)
        old = look(root)
        with broken(chosen(number), disk_full) as breaking:
            error = failure_of(root)
        assert error is None or "as it was" not in error.hint or look(root) == old, number
        with locked(root) as recovered:
            if error is None or recovered:
                assert filled(root) == done, number
            else:
                assert look(root) == old, number
        assert leftovers(root) == [], number
        if not breaking.struck:
            break
    assert number > 60


def failure_of(root: Path) -> MaiError | None:
    try:
        run(root)
    except WriteFailed as error:
        return error
    return None


@unix
def test_a_kill_at_any_step_leaves_old_or_new(project: Path, done: Look, tmp_path: Path) -> None:
    old = look(project)
    seen = set()
    for root in killed(project, tmp_path / "killed"):
        with locked(root) as recovered:
            state = look(root)
        assert leftovers(root) == []
        assert state == done if recovered else state in (old, done)
        seen.add((recovered is not None, state == done))
    assert seen == {(False, False), (True, True), (False, True)}


@unix
def test_a_recovery_that_is_killed_is_finished_by_the_next(
    project: Path, done: Look, tmp_path: Path
) -> None:
    begun = [r for r in killed(project, tmp_path / "one") if "applying" in leftovers(r)]
    for root in killed(begun[len(begun) // 3], tmp_path / "two"):
        with locked(root):
            assert look(root) == done
        assert leftovers(root) == []
        assert [entry.number for entry in undo_store.entries(root)] == [1]


def killed(project: Path, roots: Path) -> list[Path]:
    """Copies of `project`, in each of which mai was killed one step later; the last was not."""
    command = [sys.executable, "-m", "tests.apply.steps", str(roots), str(project)]
    subprocess.run(command, check=True, cwd=ROOT)
    copies = sorted(roots.iterdir(), key=lambda copy: int(copy.name))
    assert len(copies) > 40
    return copies


@unix
def test_what_was_edited_after_a_kill_is_left_alone(project: Path, tmp_path: Path) -> None:
    begun = [r for r in killed(project, tmp_path / "killed") if "applying" in leftovers(r)]
    root = begun[0]
    (root / "README.md").write_bytes(b"edited since")
    (root / "src/gone/only.py").write_bytes(b"edited since")
    (root / "empty").symlink_to(tmp_path / "outside")
    (root / "kept/.mai-swap").write_bytes(b"on its way when mai was killed")
    with locked(root) as recovered:
        assert recovered is not None
    assert recovered.left_alone == ["README.md", "empty", "src/gone/only.py"]
    assert recovered.entry.command == "mai add"
    assert not (root / "kept/.mai-swap").exists()
    assert (root / "README.md").read_bytes() == b"edited since"
    assert (root / "src/gone/only.py").read_bytes() == b"edited since"
    assert not (tmp_path / "outside").exists()
    assert (root / "folder-to-file").read_bytes() == b"a file"


@unix
def test_a_signal_at_any_step_leaves_old_or_new(tmp_path: Path, done: Look) -> None:
    ending = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {sent: signal.signal(sent, signal.default_int_handler) for sent in ending}
    try:
        for number in count(1):
            root = tmp_path / str(number)
            root.mkdir()
            make_project(root)
            old = look(root)
            send = partial(signal.raise_signal, ending[number % len(ending)])
            with locked(root), broken(at_step(number), send) as breaking:
                ended = interrupted(root)
            assert look(root) == (done if undo_store.entries(root) else old), number
            assert leftovers(root) == []
            assert ended == breaking.struck
            if not ended:
                return
    finally:
        for sent, handler in before.items():
            signal.signal(sent, handler)


def interrupted(root: Path) -> bool:
    try:
        apply(root, PLAN, "mai add")
    except KeyboardInterrupt:
        return True
    return False


@unix
def test_a_really_full_disk_leaves_old_or_new(tmp_path: Path, done: Look) -> None:
    for free_kb in range(4, 400, 4):
        with small_disk(tmp_path / "disk", size_kb=480) as disk:
            root = disk / "project"
            root.mkdir()
            make_project(root)
            old = look(root)
            fill(disk / "ballast", free_kb)
            error = failure_of(root)
            (disk / "ballast").unlink()
            assert look(root) == (old if error else done)
            if error is None:
                assert free_kb > 16
                return
            assert "No space left" in error.message
    pytest.fail("the change takes less than all of the space")


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted only by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(ballast: Path, free_kb: int) -> None:
    disk = os.statvfs(ballast.parent)
    ballast.write_bytes(b"x" * (disk.f_bavail * disk.f_frsize - free_kb * 1024))


@pytest.mark.parametrize("mounted", ["src", ".mai/.undo"])
def test_a_folder_on_another_disk_is_written_to(
    tmp_path: Path, done: Look, monkeypatch: pytest.MonkeyPatch, mounted: str
) -> None:
    """Names do not move between file systems; the steps may fail there too."""
    for name in ("replace", "link"):
        monkeypatch.setattr(os, name, within_one_disk(getattr(os, name), f"/{mounted}/"))
    for number in count(1):
        root = tmp_path / str(number)
        root.mkdir()
        make_project(root)
        old = look(root)
        with broken(at_step(number), disk_full) as breaking:
            error = failure_of(root)
        assert (look(root) if error else filled(root)) == (old if error else done)
        if not breaking.struck:
            return


def within_one_disk(call: Callable[..., None], mounted: str) -> Callable[..., None]:
    def checked(source: Path, target: Path, **options: Any) -> None:
        if (mounted in str(source)) != (mounted in str(target)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        call(source, target, **options)

    return checked


def test_a_file_that_changed_since_the_plan_is_refused(project: Path) -> None:
    (project / "README.md").write_bytes(b"edited")
    (project / "src/gone/only.py").unlink()
    (project / "empty").touch()
    old = look(project)
    with pytest.raises(Refused, match=r"'README\.md', 'empty', 'src/gone/only\.py' are not"):
        run(project)
    assert look(project) == old


def test_a_file_that_is_edited_while_mai_writes_is_kept(project: Path) -> None:
    old = look(project)

    edits = count()

    def edit_once_the_log_is_committed() -> None:
        if (project / ".mai/.undo/applying").exists() and next(edits) == 0:
            (project / "README.md").write_bytes(b"edited")

    with (
        broken(from_step(1), edit_once_the_log_is_committed),
        pytest.raises(Refused, match=r"'README\.md' is not what mai planned with"),
    ):
        run(project)
    assert look(project) == {**old, "README.md": (old["README.md"][0], b"edited")}


@unix
@pytest.mark.parametrize("path", ["README.md", "kept/new.py"])
def test_a_link_that_leads_out_is_refused(project: Path, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    write(outside, {"README.md": OLD["README.md"], "mine.py": OLD["kept/mine.py"]})
    (project / "README.md").unlink()
    (project / "README.md").symlink_to(outside / "README.md")
    (project / "kept").rename(tmp_path / "aside")
    (project / "kept").symlink_to(outside)
    before = read_tree(outside)
    plan = outcomes({"README.md": OLD["README.md"]}, {"README.md": File(b"x")})
    if path == "kept/new.py":
        plan = [Outcome(path, "create", File(b"x"))]
    with locked(project), pytest.raises(Refused, match=f"{path}' leads out of the project"):
        apply(project, plan, "mai update")
    assert read_tree(outside) == before


@unix
def test_a_path_that_climbs_out_is_refused(project: Path, tmp_path: Path) -> None:
    plan = [Outcome("../outside", "create", File(b"x"))]
    with locked(project), pytest.raises(Refused, match="leads out"):
        apply(project, plan, "mai update")
    assert not (tmp_path / "outside").exists()


@unix
def test_a_link_is_removed_and_its_file_stays(project: Path) -> None:
    with locked(project):
        apply(project, [Outcome("linked.md", "remove", None, REAL)], "mai update")
    assert not (project / "linked.md").is_symlink()
    assert (project / "docs/real.md").read_bytes() == REAL.content


@unix
def test_two_names_of_one_file_must_agree(project: Path) -> None:
    old = {"linked.md": REAL, "docs/real.md": REAL}
    differ = outcomes(old, {"linked.md": File(b"one"), "docs/real.md": File(b"other")})
    with locked(project):
        with pytest.raises(Refused, match="link to a file that becomes something else"):
            apply(project, differ, "mai update")
        apply(project, outcomes(old, dict.fromkeys(old, File(b"one"))), "mai update")
    assert (project / "docs/real.md").read_bytes() == b"one"
    assert (project / "linked.md").is_symlink()


def test_read_only_files_are_refused_by_name(project: Path) -> None:
    (project / "README.md").chmod(0o444)
    (project / "run.sh").chmod(0o444)
    old = look(project)
    with pytest.raises(Refused, match=r"README\.md', '.*run\.sh' are read-only"):
        run(project)
    assert look(project) == old


@unix
def test_a_read_only_folder_is_refused_by_name(project: Path) -> None:
    with read_only(project / "src"):
        old = look(project)
        with pytest.raises(Refused, match=r"/src.*read-only"):
            run(project)
        assert look(project) == old


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes `folder` read-only; for root, who may write everywhere, by mounting it so."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        command = ["mount", *options, str(folder)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("this machine mounts nothing")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_what_stands_in_the_way_is_refused_by_name(project: Path) -> None:
    (project / "empty").mkdir()
    (project / "src/new").write_bytes(b"a file of the user")
    old = look(project)
    with pytest.raises(Refused, match=r"empty', '.*src/new' are in the way"):
        run(project)
    assert look(project) == old


ADD_ONE_TEN_TIMES = """
import sys
from pathlib import Path
from mai.apply.transaction import apply, locked
from mai.plan.outcomes import Outcome
from mai.project.tree import File

counter = Path(sys.argv[1]) / "counter"
for _ in range(10):
    with locked(Path(sys.argv[1])):
        now = File(counter.read_bytes())
        new = File(str(int(now.content) + 1).encode())
        apply(Path(sys.argv[1]), [Outcome("counter", "change", new, now)], "mai add")
"""


def test_two_at_once_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    command = [sys.executable, "-c", ADD_ONE_TEN_TIMES, str(tmp_path)]
    with subprocess.Popen(command) as one, subprocess.Popen(command) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    assert (tmp_path / "counter").read_text() == "20"
    assert len(undo_store.entries(tmp_path)) == 20


WAIT = """
import sys
from pathlib import Path
from mai.apply.transaction import locked

with locked(Path(sys.argv[1])):
    print("working", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_refused_when_the_first_takes_too_long(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with pytest.raises(Refused, match="another mai is at work"), locked(tmp_path, wait_s=0.1):
            pass
        first.communicate(b"")
    with locked(tmp_path, wait_s=0.1) as recovered:
        assert recovered is None


names = st.sampled_from(["a", "b", "ü ö", "c.py"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
contents = st.builds(
    File, st.binary(max_size=9), st.booleans() if os.name != "nt" else st.just(False)
)


def possible(tree: dict[str, File]) -> bool:
    """Whether no file is another's folder."""
    return not any(other.startswith(f"{path}/") for path in tree for other in tree)


trees = st.dictionaries(paths, contents, max_size=6).filter(possible)


@settings(max_examples=60, deadline=None)
@given(trees, trees, st.integers(1, 120))
def test_any_change_is_done_or_not(old: dict[str, File], new: dict[str, File], step: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, old)
        with locked(root):
            with broken(at_step(step), disk_full):
                error = None
                try:
                    apply(root, outcomes(old, new), "mai update")
                except WriteFailed as failed:
                    error = failed
            assert files(root) == (old if error else new)
            apply(root, outcomes(files(root), new), "mai update")
            assert files(root) == new
            apply(root, outcomes(new, old), "mai undo")
            assert files(root) == old
