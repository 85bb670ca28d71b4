import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mai.project.manifest import Instance, Manifest, from_mapping

scalars = st.text(max_size=20) | st.integers(-(2**40), 2**40) | st.booleans()
answers = st.dictionaries(
    st.text("abc_-. é", min_size=1, max_size=6).filter(lambda key: key != "from"),
    scalars | st.lists(scalars, max_size=3),
    max_size=4,
)


@given(project=answers, own=answers)
def test_any_answers_survive_the_manifest(project: dict[str, Any], own: dict[str, Any]) -> None:
    manifest = Manifest(project).with_instances(
        [
            Instance("agent", "order-desk", "agent/basic", own),
            Instance("tool", "clock", "tool/clock"),
        ]
    )
    assert from_mapping(tomllib.loads(manifest.to_toml())) == manifest


def test_a_manifest_reads_as_if_written_by_hand() -> None:
    manifest = Manifest({"project_name": "shop", "database": "sqlite"}).with_instances(
        [
            Instance("tool", "clock", "tool/clock"),
            Instance("agent", "support", "agent/assistant", {"model": "demo"}),
        ]
    )
    assert manifest.to_toml().splitlines()[2:] == [
        "[project]",
        'database = "sqlite"',
        'project_name = "shop"',
        "",
        "[agent.support]",
        'from = "agent/assistant"',
        'model = "demo"',
        "",
        "[tool.clock]",
        'from = "tool/clock"',
    ]


@pytest.mark.parametrize("table", [{}, {"from": 1}])
def test_an_instance_without_component_is_named(table: dict[str, Any]) -> None:
    stated = {"project": {}, "tool": {"news": table}}
    with pytest.raises(TypeError, match=r"\[tool\.news\] does not say from which component"):
        from_mapping(stated)
