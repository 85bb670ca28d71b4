import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mai.apply.create import STAGE_PREFIX, check_target, create
from mai.errors import TargetRefused
from mai.merge.three_way import three_way
from mai.project.tree import File, read_tree

TREE = {"README.md": File(b"hello"), "bin/run": File(b"#!", executable=True)}


PLAN = three_way({}, {}, TREE)


def nothing(stage: Path) -> None:
    assert stage.is_dir()


def test_a_project_is_written_with_its_folders_and_exec_bits(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "shop"
    create(target, PLAN, nothing)
    assert read_tree(target) == TREE
    assert [path.name for path in target.parent.iterdir()] == ["shop"]


def test_a_repository_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main")
    check_target(tmp_path)
    create(tmp_path, PLAN, nothing)
    assert read_tree(tmp_path) == {**TREE, ".git/HEAD": File(b"ref: refs/heads/main")}


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_an_error_leaves_nothing_behind(
    tmp_path: Path, error: BaseException, *, existing: bool
) -> None:
    target = tmp_path / "deep" / "shop"
    if existing:
        target.mkdir(parents=True)

    def fail(stage: Path) -> None:
        raise error

    with pytest.raises((TargetRefused, KeyboardInterrupt)):
        create(target, PLAN, fail)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == (["deep", "deep/shop"] if existing else [])


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("a small file system can be mounted only by root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine mounts nothing")
    try:
        with pytest.raises(TargetRefused, match="No space left"):
            create(disk / "shop", three_way({}, {}, {"big": File(b"x" * 200_000)}), nothing)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


CREATE_AND_WAIT = """
import sys, time
from pathlib import Path
from mai.apply.create import create
from mai.plan.outcomes import Outcome
from mai.project.tree import File

def wait(stage):
    print("staged", flush=True)
    time.sleep(60)

create(Path(sys.argv[1]), [Outcome("a", "create", File(b"a"))], wait)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_ended_leaves_nothing_that_the_next_keeps(
    tmp_path: Path, sent: signal.Signals
) -> None:
    command = [sys.executable, "-c", CREATE_AND_WAIT, str(tmp_path / "shop")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(sent)
        process.wait()
    left = list(tmp_path.glob(f"{STAGE_PREFIX}*"))
    assert bool(left) == (sent == signal.SIGKILL)
    create(tmp_path / "shop", PLAN, nothing)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(TargetRefused, match=r"it holds 'notes\.txt'") as refused:
        check_target(tmp_path)
    assert "--into" in refused.value.hint


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").touch()
    with pytest.raises(TargetRefused, match="is not a folder"):
        check_target(tmp_path / "shop")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write")
def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(TargetRefused, match="cannot be written"):
        create(Path("/proc/shop"), PLAN, nothing)
