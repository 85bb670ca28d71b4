"""Compose files and workflows, held against their published schemas and each other."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mai.project.tree import Tree
from mai.render.engine import render

from tests import trees


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tree(request: pytest.FixtureRequest) -> Tree:
    return render(trees.manifest("Order desk", database=request.param), trees.catalog()).tree


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("compose-spec", "compose*.yaml"),
        ("compose-spec", "compose.d/*.yaml"),
        ("github-workflows", ".github/workflows/*.yml"),
    ],
)
def test_every_file_is_of_its_published_schema(
    tree: Tree, tmp_path: Path, schema: str, pattern: str
) -> None:
    trees.write_tree(tree, tmp_path)
    found = [str(path) for path in tmp_path.glob(pattern)]
    if not found:
        assert pattern.startswith("compose.d")
        return
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        *found,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def parts(tree: Tree) -> list[dict[str, Any]]:
    """`compose.yaml` and each fragment that it includes."""
    main = yaml.safe_load(tree["compose.yaml"].content)
    included = [entry["path"] for entry in main.get("include", [])]
    assert sorted(included) == sorted(path for path in tree if path.startswith("compose.d/"))
    return [main, *(yaml.safe_load(tree[path].content) for path in included)]


def test_names_are_disjoint_and_references_lead_somewhere(tree: Tree) -> None:
    services: dict[str, Any] = {}
    volumes: set[str] = set()
    for part in parts(tree):
        assert not services.keys() & part["services"].keys()
        assert not volumes & part["volumes"].keys()
        services |= part["services"]
        volumes |= part["volumes"].keys()
    for name, service in services.items():
        assert service.get("depends_on", {}).keys() <= services.keys(), name
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert named <= volumes, name


def test_nothing_is_published_beyond_this_machine_and_no_secret_is_written(tree: Tree) -> None:
    for part in parts(tree):
        for name, service in part["services"].items():
            assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
            for key, value in service.get("environment", {}).items():
                if "PASSWORD" in key or "PASSWORD" in value:
                    assert "${POSTGRES_PASSWORD" in value, name


def test_every_server_has_a_health_check_and_the_app_waits_for_it(tree: Tree) -> None:
    compose, *fragments = parts(tree)
    for fragment in fragments:
        for name, service in fragment["services"].items():
            assert service["healthcheck"]["test"], name
    waited = compose["services"]["app"].get("depends_on", {})
    assert ("migrate" in waited) == ("migrate" in compose["services"]) == bool(fragments)


def test_the_image_is_small_locked_and_not_root(tree: Tree) -> None:
    dockerfile = tree["Dockerfile"].content.decode()
    stages = [line for line in dockerfile.splitlines() if line.startswith("FROM ")]
    assert len(stages) == 2
    assert "uv sync --locked --no-dev" in dockerfile
    final = dockerfile.rpartition("FROM ")[2]
    assert "USER 10001:10001" in final
    assert "HEALTHCHECK" in final
    assert 'CMD ["order-desk", "serve"]' in final
    assert "/bin/uv" not in final


def test_everything_that_the_image_copies_is_let_through(tree: Tree) -> None:
    dockerfile = tree["Dockerfile"].content.decode()
    ignored = tree[".dockerignore"].content.decode().splitlines()
    copied = [
        word
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert "src" in copied
    assert ignored[1] == "*" or ignored[0] == "*"
    for name in copied:
        assert any(line.strip("!/").startswith(name) for line in ignored if line.startswith("!")), (
            name
        )
