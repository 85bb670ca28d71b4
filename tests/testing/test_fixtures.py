"""What the fixtures give to a plugin's own tests."""

from collections.abc import Callable

from mai.testing import Project


def test_a_project_is_changed_as_the_commands_change_it(
    new_project: Callable[..., Project],
) -> None:
    project = new_project()
    before = project.files()
    project.add("agent", "support", "basic", {"model": "openai:gpt-5"})
    assert 'model="openai:gpt-5"' in project.read("src/shop/agents/support/__init__.py")
    assert "src/shop/agents/support/agent.py" in project.owned_by("agent.support")
    assert project.owned_by("agent.support", "keep") == []
    project.remove("agent", "support")
    assert project.files() == before
    assert "tool.clock" not in project.read(".mai/manifest.toml")
    assert "[tool.clock]" in new_project("standard").read(".mai/manifest.toml")
