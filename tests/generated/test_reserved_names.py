"""Names that an instance may not have are those that the core has taken beside it."""

import ast
from pathlib import Path

import pytest
from mai.errors import InvalidName
from mai.plan.instances import RESERVED, wanted_instance
from mai.plugins.core import core_root

from tests import trees

PACKAGE = core_root() / "template" / "src" / "{{package_name}}"


@pytest.mark.parametrize(("kind", "room"), [("agent", "agents"), ("tool", "tools")])
def test_every_module_and_route_beside_an_instance_is_reserved(kind: str, room: str) -> None:
    modules = {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}
    tests = {
        path.name.partition(".")[0].removeprefix("test_")
        for path in (core_root() / "template" / "tests" / room).glob("test_*")
    }
    assert modules | tests <= RESERVED[kind]


def test_every_name_that_the_project_refuses_is_refused_by_mai() -> None:
    source = ast.parse((PACKAGE / "agents" / "registry.py").read_text(encoding="utf-8"))
    words = {
        node.value
        for node in ast.walk(_assigned(source, "RESERVED"))
        if isinstance(node, ast.Constant)
    }
    assert words
    assert words <= RESERVED["agent"]


@pytest.mark.parametrize(("kind", "name"), [("agent", "Stream"), ("tool", "definition")])
def test_a_reserved_name_is_refused_with_one_that_is_free(kind: str, name: str) -> None:
    with pytest.raises(InvalidName, match="can be named") as refused:
        wanted_instance(trees.catalog(), kind, name, {"from": f"{kind}/basic"}, {})
    assert refused.value.hint == f"try '{name.lower()}-{kind}'"


def _assigned(source: ast.Module, name: str) -> ast.AST:
    for node in source.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return node
    raise AssertionError(f"{name} is not assigned in {Path('agents/registry.py')}")
