"""What mai promises of every component, each as a function that tries it on real projects.

A claim returns what it has seen, in a few words, and raises `AssertionError`, or whatever mai
raises, when it does not hold. Its docstring is the promise.
"""

import ast
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from ..plan.instances import needed_by
from ..plan.intents import added
from ..plan.presets import presets
from ..plugins.component import Component
from ..plugins.host import Provider
from ..plugins.loader import Catalog
from ..project.manifest import Manifest
from ..project.tree import File
from ..render.engine import render
from .environment import Environment, environment_of
from .project import Project, preset_manifest

MIGRATIONS = "src/*/migrations/versions/*"
"""The only files that may stay: a database may have run them."""

OF_THE_CORE = (
    "tests/core/test_modules.py",
    "tests/core/test_openapi.py",
    "tests/core/test_settings.py",
)
"""Tests of every project that look at what is in it: rooms, routes, settings."""

CONTRACTS = {"auth": ("tests/auth/contract.py", "ModeContract")}
"""Where a project says what every component of a kind does: a file, and a class of tests in it."""

FULLEST = "full"
"""The preset that needs whatever another one does."""

LONG_NAME = "a-service-whose-name-is-forty-letters-lo"


@dataclass
class Subject:
    """The component that is tried, and what it is tried with."""

    component: Component
    catalog: Catalog
    folder: Path
    """Where projects may be made."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    older: Component | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def names(self) -> tuple[str, ...]:
        """What its instances are called: two, where a project may hold several."""
        own = self.component.name.replace("_", "-")
        return (f"first-{own}", f"second-{own}") if self.component.multi else (own,)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"{self.component.kind}.{name}" for name in self.names)

    def without(self, preset: str = "minimal", name: str = "shop") -> Manifest:
        """A preset with what the component requires, without itself and what it excludes."""
        made = preset_manifest(self.catalog, preset, name)
        for instance in made.instances:
            if self._is_excluded(instance.component):
                made = made.without(instance.key)
        for required in needed_by(self.component, self.catalog):
            if required not in {instance.component for instance in made.instances}:
                kind, _, own = required.partition("/")
                made = added(made, self.catalog, kind, own.replace("_", "-"), {})
        return made

    def with_it(self, preset: str = "minimal", name: str = "shop") -> Manifest:
        """The same with the component's instances."""
        made = self.without(preset, name)
        for own in self.names:
            stated = {"from": self.component.id, **self.answers}
            made = added(made, self.catalog, self.component.kind, own, stated)
        return made

    def project(self, manifest: Manifest) -> Project:
        root = self.folder / str(next(self._numbers)) / str(manifest.project["project_name"])
        return Project.make(root, self.catalog, manifest)

    def add_to(self, project: Project) -> None:
        for own in self.names:
            project.add(self.component.kind, own, self.component.id, self.answers)

    @cached_property
    def environment(self) -> Environment:
        """Where its projects are linted, typed and tested."""
        made = self.with_it(FULLEST)
        return environment_of(self.component.id, made, self.catalog)

    @property
    def before(self) -> "Subject":
        """What was installed before: the older component, else the same under a lower version."""
        was, provider = self.older or self.component, self.catalog.providers[self.component.id]
        earlier = Provider(provider.distribution, "0.0.0")
        catalog = replace(
            self.catalog,
            components={**self.catalog.components, was.id: was},
            providers={**self.catalog.providers, was.id: earlier},
        )
        known = {question.name for question in was.questions}
        answers = {name: value for name, value in self.answers.items() if name in known}
        return replace(self, component=was, catalog=catalog, answers=answers)

    def _is_excluded(self, other_id: str) -> bool:
        other, own = self.catalog[other_id], self.component
        is_second_memory = own.kind == other.kind == "memory"
        return (
            own.id in (other_id, *other.conflicts, *needed_by(other, self.catalog))
            or other_id in own.conflicts
            or is_second_memory
        )


Claim = Callable[[Subject], str]


def idempotent(subject: Subject) -> str:
    """Adding it again and rendering it again change nothing."""
    project = subject.project(subject.without())
    subject.add_to(project)
    before = project.files()
    subject.add_to(project)
    _same(before, project.files(), "added twice")
    made = subject.with_it()
    first, second = (render(made, subject.catalog).tree for _ in range(2))
    _same(first, second, "rendered twice")
    return f"{len(_own(subject, project))} files"


def removable(subject: Subject) -> str:
    """Removing it leaves the project as it was, but for migrations; adding it again brings it."""
    project = subject.project(subject.without())
    before = project.files()
    subject.add_to(project)
    grown = project.files()
    kept = {path for key in subject.keys for path in project.owned_by(key, "keep")}
    others = sorted(path for path in kept if not fnmatchcase(path, MIGRATIONS))
    assert not others, f"files.keep is for migrations: {', '.join(others)} would stay"
    for own in subject.names:
        project.remove(subject.component.kind, own)
    left = project.files()
    _same({path: grown[path] for path in kept}, {path: left.get(path) for path in kept}, "kept")
    _same(before, {path: file for path, file in left.items() if path not in kept}, "removed")
    subject.add_to(project)
    _same(grown, project.files(), "added again")
    return f"{len(kept)} files stay" if kept else "nothing stays"


def updatable(subject: Subject) -> str:
    """An update from its older version keeps every hand edit, or tells of a conflict."""
    before = subject.before
    project = before.project(before.with_it())
    edits = _edit(project, _own(subject, project))
    outcomes = project.update(subject.catalog)
    told = {outcome.path for outcome in outcomes if outcome.action == "conflict" or outcome.notes}
    files = project.files()
    lost = [p for p, mark in edits.items() if not any(mark in f.content for f in files.values())]
    assert not lost, f"the edits in {', '.join(lost)} are lost"
    marked = [path for path, file in files.items() if b"\n<<<<<<< " in file.content]
    untold = sorted(set(marked) - told)
    assert not untold, f"conflicts in {', '.join(untold)} are not told"
    since = "a change of nothing but the version" if subject.older is None else "its older version"
    return f"{len(edits)} edits survive {since}" + (f", {len(marked)} conflict" if marked else "")


def linted(subject: Subject) -> str:
    """Its files are formatted and lint-clean by the project's rules, also under a long name."""
    for name in ("shop", LONG_NAME):
        project = subject.project(subject.with_it(name=name))
        own = [path for path in _own(subject, project) if path.endswith(".py")]
        for command in (("check", "--no-cache"), ("format", "--check", "--diff", "--no-cache")):
            subject.environment.run(project.root, "ruff", *command, *own)
    return f"ruff, and again as {LONG_NAME}"


def typed(subject: Subject) -> str:
    """mypy finds nothing, as strictly as the project asks."""
    project = subject.project(subject.with_it())
    return subject.environment.check_types(project.root)


def under_contract(subject: Subject) -> str:
    """Its tests subclass the contract of its kind, where there is one."""
    kind = subject.component.kind
    if kind not in CONTRACTS:
        return f"there is none for kind {kind}"
    path, name = CONTRACTS[kind]
    project = subject.project(subject.with_it())
    promised = _tests_of_class(project.read(path), name)
    command = ("--collect-only", "-q", "-p", "no:cacheprovider", *_tests(subject, project))
    collected = _tests_by_class(subject.environment.run(project.root, "pytest", *command))
    is_kept = any(promised <= tests for tests in collected.values())
    assert is_kept, f"no class of its tests subclasses {name} of {path}, which every {kind} passes"
    return f"{len(promised)} tests"


def works_in_presets(subject: Subject) -> str:
    """Its tests pass in every preset, and in one those of the core on rooms, routes, settings."""
    made = {name: subject.project(subject.with_it(name)) for name in presets()}
    tests = {name: _tests(subject, project) for name, project in made.items()}
    tests["minimal"] += OF_THE_CORE
    environment = subject.environment

    def passes(name: str) -> str:
        """What is wrong; nothing, when nothing is."""
        try:
            environment.run(made[name].root, "pytest", "-q", "-p", "no:cacheprovider", *tests[name])
        except AssertionError as failed:
            return f"in preset {name}: {failed}"
        return ""

    with ThreadPoolExecutor() as pool:
        problems = list(filter(None, pool.map(passes, made)))
    assert not problems, "\n".join(problems)
    return ", ".join(made)


CHANGES: tuple[Claim, ...] = (idempotent, removable, updatable)
"""How it takes part in the commands on a project; quick."""

INSIDE: tuple[Claim, ...] = (linted, typed, under_contract, works_in_presets)
"""How its files are, and work, in a project."""

CLAIMS: tuple[Claim, ...] = (*CHANGES, *INSIDE)


def _own(subject: Subject, project: Project) -> list[str]:
    return [path for key in subject.keys for path in project.owned_by(key)]


def _tests(subject: Subject, project: Project) -> list[str]:
    own = _own(subject, project)
    tests = [path for path in own if fnmatchcase(path, "tests/*test_*.py")]
    assert tests, f"it brings no tests: put one into {subject.component.template / 'tests'}"
    return tests


def _tests_of_class(source: str, name: str) -> set[str]:
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    found = next(one for one in classes if one.name == name)
    named = (node.name for node in found.body if isinstance(node, ast.AsyncFunctionDef))
    return {name for name in named if name.startswith("test_")}


def _tests_by_class(collected: str) -> Mapping[str, set[str]]:
    """What pytest lists, a test in each line: `tests/test_it.py::TestIt::test_it[1]`."""
    found = defaultdict[str, set[str]](set)
    for line in collected.splitlines():
        place, _, test = line.partition("[")[0].rpartition("::")
        found[place].add(test)
    return found


def _edit(project: Project, paths: Iterable[str]) -> dict[str, bytes]:
    """Writes a line at the end of each text file; path -> the line."""
    edits = {}
    for path in paths:
        file = project.root / path
        content = file.read_bytes()
        if b"\0" not in content:
            edits[path] = f"# {path}, edited by hand".encode()
            file.write_bytes(content + edits[path] + b"\n")
    return edits


def _same(before: Mapping[str, File], after: Mapping[str, File | None], when: str) -> None:
    paths = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
    assert not paths, f"{when}, these differ: {', '.join(paths)}"
