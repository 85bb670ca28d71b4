"""Plain `copier copy` of this repository: a working core project, the same as mai's."""

import shutil
from pathlib import Path

import pytest
import yaml
from mai.plugins.core import core_root
from mai.project.manifest import Manifest
from mai.project.reader import read_project
from mai.project.tree import read_tree
from mai.render.engine import render
from pytest_copie.plugin import Copie

from tests import trees
from tests.conftest import Mai
from tests.generated.test_suites import WHAT_IT_IS_MADE_OF, run_suite

ANSWERS_FILE = ".mai/copier-answers.yml"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template's files outside of git: from a git root Copier takes the newest tag."""
    folder = tmp_path / "template"
    shutil.copytree(
        core_root() / "template", folder / "template", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(core_root() / "copier.yml", folder)
    return folder


def test_plain_copier_gives_the_core_project_that_mai_gives(copie: Copie, template: Path) -> None:
    answers = {"project_name": "order-desk", "database": "postgresql"}
    copied = copie.copy(extra_answers=answers, template_dir=template)
    assert copied.exception is None
    assert copied.project_dir is not None

    recorded = yaml.safe_load((copied.project_dir / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert answers.items() <= recorded.items()
    assert not any(key in recorded for key in ("dependencies", "instances"))

    tree = read_tree(copied.project_dir)
    del tree[ANSWERS_FILE]
    made = trees.manifest("order-desk", "minimal", database="postgresql")
    assert tree == render(type(made)(made.project), trees.catalog()).tree


def test_a_plain_copy_passes_the_tests_of_what_it_is_made_of(copie: Copie, template: Path) -> None:
    copied = copie.copy(extra_answers={"project_name": "shop"}, template_dir=template)
    assert copied.project_dir is not None
    run_suite(copied.project_dir, *WHAT_IT_IS_MADE_OF)


def test_the_first_command_adopts_a_plain_copy(
    copie: Copie, template: Path, mai: Mai, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = copie.copy(extra_answers={"project_name": "shop"}, template_dir=template)
    assert copied.project_dir is not None
    edited = copied.project_dir / "README.md"
    edited.write_text("# Mine\n", encoding="utf-8")
    monkeypatch.chdir(copied.project_dir / "src" / "shop")

    told = mai("status", "--json").json()
    assert told["edited"] == ["README.md"]
    assert told["missing"] == []
    assert not (copied.project_dir / ANSWERS_FILE).exists()
    assert edited.read_text(encoding="utf-8") == "# Mine\n"

    made = trees.manifest("shop", "minimal")
    assert read_project(copied.project_dir).manifest == Manifest(made.project)
    assert mai("status", "--json").json() == told


@pytest.mark.parametrize("name", ["My Shop", "class-", "9lives", "x" * 41])
def test_plain_copier_refuses_a_name_that_cannot_be(
    copie: Copie, template: Path, name: str
) -> None:
    copied = copie.copy(extra_answers={"project_name": name}, template_dir=template)
    assert copied.exception is not None
