"""What must hold for a project to be changed safely, each with its mend."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from ..apply import pending
from ..errors import BrokenProject, CommandFailed, MaiError
from ..merge.package_move import moved_by_hand
from ..plugins.check import Check
from ..plugins.installed import OWN_DISTRIBUTION
from ..plugins.loader import Catalog, how_to_have
from ..plugins.values import Project
from ..programs import git, uv
from ..project.lock import Lock, LockedInstance
from ..project.manifest import Manifest, parse_key
from ..project.reader import read_base, read_lock, read_manifest
from .branches import is_joined
from .lost_base import recovered
from .plugin_checks import of_problem


def everything(root: Path | None, catalog: Catalog) -> list[Check]:
    """All that `mai doctor` looks at; `root` is nothing where there is no project."""
    found = [*of_project(root, catalog), *of_plugins(root, catalog)] if root else []
    return [*found, *of_environment(catalog)]


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


def of_plugins(root: Path, catalog: Catalog) -> Iterator[Check]:
    """Whether the plugins of a project are there, and what they say of it."""
    try:
        lock = read_lock(root)
    except MaiError:  # `of_project` says so
        return
    yield from _mai(lock, catalog)
    yield from of_instances(lock, catalog)
    for distribution, problem in catalog.validated(lock.manifest):
        yield Check(distribution, False, problem.message, problem.hint)
    for distribution, check in catalog.checked(Project(lock.manifest, root)):
        yield replace(check, name=f"{distribution}: {check.name}")


def _mai(lock: Lock, catalog: Catalog) -> Iterator[Check]:
    """What is to be said of a project that another version of mai made."""
    made, installed = Version(lock.mai_version), Version(catalog.core.version)
    told = f"the project is at {made}, {installed} is installed"
    if made < installed:
        yield Check("mai", True, f"{told}: mai update brings it")
    elif made > installed:
        mend = how_to_have(OWN_DISTRIBUTION, lock.mai_version)
        yield Check("mai", False, f"{told}, which is older", mend)


def of_instances(lock: Lock, catalog: Catalog) -> Iterator[Check]:
    """What a project has of plugins that are not there, or there in another version."""
    yield from missing(lock, catalog)
    for key, locked in lock.instances.items():
        if locked.component in catalog.components:
            yield from _provider(key, locked, catalog)


def missing(lock: Lock, catalog: Catalog) -> Iterator[Check]:
    """Each instance whose component cannot be had of what is installed."""
    for key, locked in lock.instances.items():
        if locked.component not in catalog.components:
            told, mend = _why_missing(key, locked, catalog)
            yield Check(key, False, f"{told}: its files stay as they are", mend)


def _why_missing(key: str, locked: LockedInstance, catalog: Catalog) -> tuple[str, str]:
    """What is to be said of the plugin of an instance, and how to mend it."""
    own = locked.provider
    if any(problem.distribution == own for problem in catalog.problems):
        return f"{locked.component} of {own} is left out", "mai plugin doctor"
    installed = {one.provider.distribution: one.provider.version for one in catalog.hooks.values()}
    if own in installed and own != OWN_DISTRIBUTION:
        kind, name = parse_key(key)
        back = f"mai plugin install '{own}=={locked.version}'"
        keep = f"mai remove {kind} {name} --ours makes them your own"
        return f"{own} {installed[own]} has no {locked.component}", f"{back}; or {keep}"
    return f"{locked.component} is not installed", how_to_have(own, locked.version)


def of_environment(catalog: Catalog) -> Iterator[Check]:
    """Whether what mai needs is installed, and every plugin is sound."""
    yield _program("git", git.version, "install git 2.30 or newer")
    yield _program("uv", uv.version, uv.INSTALL_HINT)
    yield from map(of_problem, catalog.problems)


def _provider(key: str, locked: LockedInstance, catalog: Catalog) -> Iterator[Check]:
    """What is to be said of an instance that is not of what is installed; that mai is newer is
    said once."""
    mend = how_to_have(locked.provider, locked.version)
    provider = catalog.providers[locked.component]
    told = f"{locked.component} is of {locked.provider} {locked.version}"
    if provider.distribution != locked.provider:
        told = f"{told}, {provider.distribution} {provider.version} offers it now"
        yield Check(key, False, told, f"{mend}; or change over to it: mai update")
    elif Version(provider.version) < Version(locked.version):
        yield Check(key, False, f"{told}, {provider.version} is installed, which is older", mend)
    elif provider.version != locked.version and provider.distribution != OWN_DISTRIBUTION:
        yield Check(key, True, f"{told}, {provider.version} is installed: mai update brings it")


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
