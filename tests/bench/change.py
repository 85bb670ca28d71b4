"""What changing a project costs, as ratios of CPU time: `uv run python -m tests.bench.change`.

- an add that has nothing to do, and an add of one agent, against `copier --help`: at most 2
- an add to a project with 5,000 files of the user's against one with 100: at most 1.5
- `mai update` to a newer release against `copier update` of the same tree: at most 0.5
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from mai.plugins.core import core_root
from mai.project.reader import COPIER_ANSWERS

from tests.bench.cpu import fresh, medians, script
from tests.bench.new import combined_template
from tests.update.releases import make_project, newer

EDITED = "template/src/{{package_name}}/core/health.py"
MAI = [script("mai")]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        adds(scratch)
        updates(scratch)


def adds(scratch: Path) -> None:
    made = scratch / "made"
    command = [*MAI, "new", "shop", "--defaults", "--no-install", "--no-git", "--into", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    few, many = (with_own_files(made, scratch / f"own-{count}", count) for count in (100, 5000))
    add = [*MAI, "add", "agent", "support", "--no-install"]

    done = scratch / "done"
    shutil.copytree(made, done)
    subprocess.run(add, cwd=done, check=True, capture_output=True)
    helped, nothing, one, to_few, to_many = medians(
        lambda: [script("copier"), "--help"],
        lambda: in_folder(done, add),
        lambda: in_folder(copy_of(made), add),
        lambda: in_folder(copy_of(few), add),
        lambda: in_folder(copy_of(many), add),
    )
    tell("mai add with nothing to do / copier --help", nothing / helped, 2)
    tell("mai add of an agent / copier --help", one / helped, 2)
    tell("mai add, 5,000 own files / 100", to_many / to_few, 1.5)


def updates(scratch: Path) -> None:
    """The standard preset from a release of before, in which one line of a file is another."""
    newest = combined_template(scratch)
    for recorded in core_root().glob("template/*answers_file*"):
        shutil.copy(recorded, newest / "template")
    older = scratch / "older"
    shutil.copytree(newest, older)
    edit(older)
    source = scratch / "source"
    for version, release in (("v1.0.0", older), ("v2.0.0", newest)):
        shutil.copytree(release, source, dirs_exist_ok=True)
        commit(source)
        subprocess.run(["git", "tag", version], cwd=source, check=True)
    by_copier, by_mai = scratch / "copier", scratch / "mai" / "shop"
    command = [script("copier"), "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0"]
    subprocess.run([*command, str(source), str(by_copier)], check=True)
    make_project(by_mai, newer(scratch / "release", "0.0.1", edit), "standard")
    for project in (by_copier, by_mai):
        commit(project)
    update = [script("copier"), "update", "--quiet", "--defaults", "--answers-file", COPIER_ANSWERS]
    copier, mai = medians(
        lambda: in_folder(copy_of(by_copier), update),
        lambda: in_folder(copy_of(by_mai), [*MAI, "update", "--no-install"]),
    )
    tell("mai update / copier update", mai / copier, 0.5)


def copy_of(project: Path) -> Path:
    """`project` as it was made."""
    return Path(shutil.copytree(project, fresh(project.with_name(f"{project.name}-run"))))


def edit(release: Path) -> None:
    path = release / EDITED
    path.write_text(f"# A line of before.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def with_own_files(made: Path, folder: Path, count: int) -> Path:
    """`made` with modules of the user's own, 50 to a folder."""
    shutil.copytree(made, folder)
    for number in range(count):
        path = folder / "src" / "shop" / f"own{number // 50}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"NUMBER = {number}\n", encoding="utf-8")
    return folder


def commit(folder: Path) -> None:
    """Commits everything in `folder`, which becomes a repository when it is none."""
    for command in (
        ["init", "--quiet"],
        ["add", "--all", "--force"],
        ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "all"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def in_folder(folder: Path, command: list[str]) -> list[str]:
    return ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *command]


def tell(what: str, ratio: float, limit: float) -> None:
    print(f"{what:<50} {ratio:6.2f}  (at most {limit})")


if __name__ == "__main__":
    main()
