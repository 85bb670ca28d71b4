"""Every preset, and every pair of options, rendered, read, linted and type-checked."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from mai.project.tree import File, Tree
from mai.render.engine import render

from tests import trees

OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "preset": ("minimal", "standard", "full"),
    "licence": ("MIT", "Apache-2.0", "proprietary"),
    "name": ("Shop", "order_desk", "A service whose name is forty letters lo"),
    "database": ("sqlite", "postgresql"),
    "default_model": ("demo", "openai:gpt-5,qwen:qwen-max"),
    "model_providers": (["openai", "anthropic"], ["openai"]),
}


@dataclass(frozen=True)
class Combination:
    chosen: tuple[Any, ...]

    @property
    def answers(self) -> dict[str, Any]:
        return dict(zip(OPTIONS, self.chosen, strict=True))

    @property
    def label(self) -> str:
        return "-".join(
            re.sub(r"[^a-z0-9]+", "_", str(value).lower())[:12] for value in self.chosen
        )


def pairwise() -> list[Combination]:
    """Combinations in which every pair of two options' values stands at least once.

    Greedy: always the one that covers most of the pairs that are still missing.
    """
    missing = set().union(*(pairs(combination) for combination in everything()))
    chosen = []
    while missing:
        best = max(everything(), key=lambda combination: len(pairs(combination) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def pairs(combination: Combination) -> set[tuple[Any, ...]]:
    return set(combinations([(i, str(v)) for i, v in enumerate(combination.chosen)], 2))


def everything() -> list[Combination]:
    return [Combination(chosen) for chosen in product(*OPTIONS.values())]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(pairwise, id="pairwise"),
        pytest.param(everything, id="everything", marks=pytest.mark.slow),
    ],
)
def rendered(request: pytest.FixtureRequest) -> dict[str, Tree]:
    """Label -> tree."""
    found: dict[str, Tree] = {}
    for combination in request.param():
        answers = combination.answers
        made = trees.manifest(answers.pop("name"), answers.pop("preset"), **answers)
        found[combination.label] = render(made, trees.catalog()).tree
    return found


@pytest.fixture(scope="module")
def on_disk(rendered: dict[str, Tree], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("matrix")
    for label, tree in rendered.items():
        trees.write_tree(tree, root / label)
    return root


def files(rendered: dict[str, Tree], *endings: str) -> Iterator[tuple[str, File]]:
    for label, tree in rendered.items():
        for path, file in tree.items():
            if path.endswith(endings):
                yield f"{label}/{path}", file


def test_every_file_reads_as_what_it_is(rendered: dict[str, Tree]) -> None:
    readers: dict[str, Callable[[str], object]] = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    for ending, read in readers.items():
        for path, file in files(rendered, ending):
            assert read(file.content.decode()) is not None, path


def test_no_trace_of_the_template_is_left(rendered: dict[str, Tree]) -> None:
    traces = re.compile(
        r"\{\{ ?\w+ ?\}\}|\{%|\{#|%\}|copier|jinja|cookiecutter|\bTODO\b|template_", re.IGNORECASE
    )
    for path, file in files(rendered, ""):
        text = file.content.decode()
        if path.endswith("justfile"):  # has variables of its own, written alike
            text = re.sub(r"\{\{ ?\w+ ?\}\}", "", text)
        found = traces.search(text)
        assert found is None, f"{path}: {text[max(0, found.start() - 60) : found.end() + 40]!r}"


def test_every_text_file_ends_in_one_newline_and_has_no_trailing_space(
    rendered: dict[str, Tree],
) -> None:
    for path, file in files(rendered, ""):
        text = file.content.decode()
        if not text:
            continue
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        trailing = [n for n, line in enumerate(text.split("\n"), 1) if line != line.rstrip()]
        assert trailing == [], f"{path}: lines {trailing}"
        assert "\n\n\n\n" not in text, path
        if not path.endswith((".py", ".mako")):
            assert "\n\n\n" not in text, f"{path}: two blank lines"


def test_the_names_are_the_users(rendered: dict[str, Tree]) -> None:
    for label, tree in rendered.items():
        pyproject = tomllib.loads(tree["pyproject.toml"].content.decode())
        slug = pyproject["project"]["name"]
        assert pyproject["project"]["scripts"] == {slug: f"{slug.replace('-', '_')}.cli:main"}, (
            label
        )
        assert slug in tree["README.md"].content.decode(), label
        assert slug in tree["AGENTS.md"].content.decode(), label


def test_paths_fit_into_the_wheel_and_into_windows(rendered: dict[str, Tree]) -> None:
    longest = max((path for tree in rendered.values() for path in tree), key=len)
    assert len(longest) < 120, longest


def test_all_are_lint_clean_and_formatted(on_disk: Path) -> None:
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        command = [sys.executable, "-m", "ruff", *arguments, str(on_disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_are_typed_strictly(
    rendered: dict[str, Tree], on_disk: Path, check_types: Callable[[Path], None]
) -> None:
    """Trees whose Python differs in nothing but the package's name are checked once."""
    seen: set[int] = set()
    for label, tree in rendered.items():
        package = tomllib.loads(tree["pyproject.toml"].content.decode())["tool"]["alembic"][
            "package"
        ]
        python = tuple(
            (path.replace(package, "package"), file.content.replace(package.encode(), b"package"))
            for path, file in sorted(tree.items())
            if path.endswith(".py") and path != f"src/{package}/__init__.py"
        )
        if hash(python) in seen:
            continue
        seen.add(hash(python))
        check_types(on_disk / label)
    assert len(seen) >= len(OPTIONS["preset"])
