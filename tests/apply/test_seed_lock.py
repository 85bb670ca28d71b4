import re
import tomllib
from pathlib import Path

import pytest
from mai.apply.seed_lock import write_seed_lock
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests import trees


@pytest.fixture
def lock(tmp_path: Path) -> str:
    write_seed_lock(tmp_path, "order-desk")
    return (tmp_path / "uv.lock").read_text(encoding="utf-8")


def test_the_lock_names_the_project_and_no_other(lock: str) -> None:
    own = [p for p in tomllib.loads(lock)["package"] if "editable" in p["source"]]
    assert [package["name"] for package in own] == ["order-desk"]
    assert "seed" not in re.findall(r'name = "([^"]+)"', lock)


def test_it_comes_from_the_public_index_alone(lock: str) -> None:
    assert set(re.findall(r"https?://([^/\"]+)", lock)) == {"pypi.org", "files.pythonhosted.org"}


def test_it_has_a_fitting_version_of_every_dependency_of_the_full_preset(
    lock: str, tmp_path: Path
) -> None:
    locked: dict[str, set[str]] = {}
    for package in tomllib.loads(lock)["package"]:
        locked.setdefault(package["name"], set()).add(package.get("version", "0"))
    trees.write(trees.manifest("order-desk", "full"), tmp_path / "full")
    pyproject = tomllib.loads((tmp_path / "full/pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]]
    for text in wanted:
        requirement = Requirement(text)
        versions = locked[requirement.name.lower().replace("_", "-")]
        assert any(SpecifierSet(str(requirement.specifier)).contains(v) for v in versions), text
