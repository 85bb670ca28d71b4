"""A project, a change of it that has everything, and a disk that breaks at any step of it."""

import errno
import io
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from mai.apply.transaction import apply, locked
from mai.plan.outcomes import Outcome
from mai.project.tree import File

_WATCHED = ("open", "replace", "link", "unlink", "mkdir", "rmdir", "chmod", "fsync")

OLD = {
    ".mai/lock.json": File(b"old lock"),
    "README.md": File(b"old words\r\n"),
    "run.sh": File(b"#!/bin/sh\n"),
    "src/gone/only.py": File(b"gone = 1\n"),
    "src/gone/deep/er.py": File(b"er = 1\n"),
    "file-to-folder": File(b"a file"),
    "folder-to-file/inner": File(b"a file in a folder"),
    "kept/mine.py": File(b"mine = 1\n"),
    "kept/theirs.py": File(b"theirs = 1\n"),
}
REAL = File(b"real")
"""`docs/real.md`, which no outcome names: `linked.md` is a link to it."""
NEW = {
    ".mai/lock.json": File(b"new lock"),
    ".mai/base.tar.gz": File(bytes(range(256)) * 20),
    "README.md": File(b"new words\r\n"),
    "run.sh": File(b"#!/bin/sh\n", executable=True),
    "file-to-folder/inner": File(b"a file in a folder"),
    "folder-to-file": File(b"a file"),
    "kept/mine.py": File(b"mine = 1\n"),
    "src/new/with space/ünïcode.py": File("ü = 1\n".encode()),
    "linked.md": File(b"written through"),
    "empty": File(b""),
}


def outcomes(old: dict[str, File], new: dict[str, File]) -> list[Outcome]:
    """What brings a project from `old` to `new`."""
    return [
        Outcome(path, "change" if path in old else "create", new[path], old.get(path))
        for path in sorted(new)
    ] + [Outcome(path, "remove", None, old[path]) for path in sorted(old.keys() - new.keys())]


PLAN = outcomes({**OLD, "linked.md": REAL}, NEW)


def write(root: Path, tree: dict[str, File]) -> None:
    for path, file in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(file.content)
        (root / path).chmod(0o755 if file.executable else 0o640)


def make_project(root: Path) -> None:
    """`OLD` on disk, with a link, compiled Python and a folder of an uncommon mode."""
    write(root, {**OLD, "docs/real.md": REAL})
    (root / "linked.md").symlink_to("docs/real.md")
    (root / "src/gone/__pycache__").mkdir()
    (root / "src/gone/__pycache__/only.cpython-311.pyc").touch()
    (root / "src/gone").chmod(0o750)


def look(root: Path) -> dict[str, tuple[int, bytes | str]]:
    """Everything below `root` with its mode, but for mai's undo entries and Python's cache."""
    return {
        path.relative_to(root).as_posix(): (stat.S_IMODE(path.lstat().st_mode), _content(path))
        for path in sorted(root.rglob("*"))
        if not {".undo", "__pycache__"} & set(path.relative_to(root).parts)
    }


def _content(path: Path) -> bytes | str:
    if path.is_symlink():
        return str(path.readlink())
    return path.read_bytes() if path.is_file() else "folder"


class Broken:
    """Counts the steps to the disk, and lets `at` happen instead of those that are `chosen`."""

    def __init__(self, chosen: Callable[[int], bool], at: Callable[[], None]) -> None:
        self._chosen = chosen
        self._at = at
        self.steps = 0
        self.struck = False

    def step(self) -> None:
        self.steps += 1
        if self._chosen(self.steps):
            self.struck = True
            self._at()


def at_step(number: int) -> Callable[[int], bool]:
    return lambda step: step == number


def from_step(number: int) -> Callable[[int], bool]:
    return lambda step: step >= number


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def broken(chosen: Callable[[int], bool], at: Callable[[], None]) -> Iterator[Broken]:
    """Every call that changes the disk is a step, and so is every write to a file."""
    breaking = Broken(chosen, at)
    real = {name: getattr(os, name) for name in _WATCHED}
    real_open = io.open

    def watched(name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            breaking.step()
            return real[name](*args, **options)

        return call

    def open_file(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        stream = real_open(file, mode, *args, **options)
        return _Stream(stream, breaking) if "w" in mode or "+" in mode else stream

    for name in _WATCHED:
        setattr(os, name, watched(name))
    io.open = open_file
    try:
        yield breaking
    finally:
        io.open = real_open
        for name, call in real.items():
            setattr(os, name, call)


class _Stream:
    def __init__(self, stream: Any, breaking: Broken) -> None:
        self._stream = stream
        self._breaking = breaking

    def write(self, content: bytes) -> int:
        self._breaking.step()
        return int(self._stream.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> "_Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _kill_at_every_step(roots: Path, project: Path) -> None:
    """Copies `project` once per step and kills what a mai does to the copy at that step."""
    for number in count(1):
        root = roots / str(number)
        shutil.copytree(project, root, symlinks=True)
        child = os.fork()
        if child == 0:
            _work_and_die(root, number)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return


def _work_and_die(root: Path, last_step: int) -> NoReturn:
    with broken(at_step(last_step), kill), locked(root) as recovered:
        if recovered is None:
            apply(root, PLAN, "mai add")
    os._exit(0)


if __name__ == "__main__":
    _kill_at_every_step(Path(sys.argv[1]), Path(sys.argv[2]))
