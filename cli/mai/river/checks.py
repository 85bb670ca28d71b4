"""What must hold for a project to be changed safely, each with its mend."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..apply import pending
from ..errors import BrokenProject, CommandFailed, MaiError
from ..merge.package_move import moved_by_hand
from ..plugins.check import Check
from ..plugins.loader import Catalog
from ..programs import git, uv
from ..project.lock import Lock
from ..project.manifest import Manifest
from ..project.reader import read_base, read_lock, read_manifest
from .branches import is_joined
from .lost_base import recovered


def of_project(root: Path, catalog: Catalog) -> Iterator[Check]:
    """Whether the project's own files belong together."""
    try:
        manifest, lock = read_manifest(root), read_lock(root)
    except BrokenProject as problem:
        yield Check("state", False, problem.message, problem.hint)
        return
    yield _base(root, lock, catalog)
    yield _branches(root)
    yield _manifest(manifest, lock)
    yield _conflicts(root)
    yield _package(root, lock)
    yield _uv_lock(root)


def of_environment(catalog: Catalog, root: Path | None) -> Iterator[Check]:
    """Whether what mai needs is installed, for the project at `root` too."""
    yield _program("git", git.version, "install git 2.30 or newer")
    yield _program("uv", uv.version, uv.INSTALL_HINT)
    for problem in catalog.problems:
        yield Check(
            f"plugin {problem.distribution}",
            False,
            f"skipped: {problem.reason}",
            "update it, or report this to its author",
        )
    if root is not None:
        with suppress(BrokenProject):
            yield from _plugins(catalog, read_lock(root))


def _plugins(catalog: Catalog, lock: Lock) -> Iterator[Check]:
    for key, locked in lock.instances.items():
        if locked.component not in catalog.components:
            yield Check(
                key,
                False,
                f"{locked.component} is not installed: its files stay as they are",
                f"install {locked.provider} {locked.version} beside mai",
            )
            continue
        provider = catalog.providers[locked.component]
        if (provider.distribution, provider.version) == (locked.provider, locked.version):
            continue
        told = f"{locked.component} is of {locked.provider} {locked.version}, installed is"
        told = f"{told} {provider.distribution} {provider.version}"
        yield Check(key, provider.distribution == locked.provider, told, "mai update")


def _base(root: Path, lock: Lock, catalog: Catalog) -> Check:
    if read_base(root, lock):
        return Check("base", True, "the tree that edits are told from is there")
    told = "the tree that edits are told from is lost, or of another lock"
    if recovered(root, lock, catalog):
        return Check("base", False, f"{told}; it can be restored", "mai doctor --fix")
    return Check(
        "base",
        False,
        told,
        f"take .mai/base.tar.gz from git's history; or restore it by the release that made it: "
        f"uvx --from mai-framework=={lock.mai_version} mai doctor --fix; or mai doctor --adopt "
        f"does without it: the next mai update shows each file that you edited as a conflict",
    )


def _branches(root: Path) -> Check:
    if is_joined(root):
        return Check("branches", True, "nothing waits to be merged in .mai/")
    return Check(
        "branches",
        False,
        "two branches were merged, .mai/lock.json is that of one",
        "the next change joins them: mai set",
    )


def _manifest(manifest: Manifest, lock: Lock) -> Check:
    if manifest == lock.manifest:
        return Check("manifest", True, "every wish of the manifest is in the project")
    return Check(
        "manifest", False, "the manifest was edited or merged since the last change", "mai set"
    )


def _conflicts(root: Path) -> Check:
    found = pending.read(root)
    if found is None:
        return Check("conflicts", True, "none waits")
    paths = ", ".join(found.paths)
    return Check("conflicts", False, f"`{found.command}` left some in {paths}", "mai resolve")


def _package(root: Path, lock: Lock) -> Check:
    package = str(lock.project.get("package_name"))
    if other := moved_by_hand(root, package, lock.files):
        told = f"the package {package} lies in src/{other}"
        return Check("package", False, told, f"mai set package_name={other}")
    return Check("package", True, f"src/{package} is where mai expects it")


def _uv_lock(root: Path) -> Check:
    try:
        uv.check_lock(root)
    except CommandFailed:
        return Check("uv.lock", False, "it is not that of pyproject.toml", "uv lock")
    except MaiError as problem:
        return Check("uv.lock", False, problem.message, problem.hint)
    return Check("uv.lock", True, "it is that of pyproject.toml")


def _program(name: str, version: Callable[[], str], mend: str) -> Check:
    try:
        return Check(name, True, version())
    except MaiError as problem:
        return Check(name, False, problem.message, mend)
