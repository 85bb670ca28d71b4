from pathlib import Path

import pytest
from mai.errors import BrokenComponent
from mai.plugins.component import Component
from mai.plugins.questions import read_questions

STATED = """
api = 1
id = "tool/clock"
kind = "tool"
title = "Clock"
summary = "Tells the time."
"""


def component(folder: Path, stated: str = STATED, questions: str | None = None) -> Path:
    (folder / "template").mkdir()
    (folder / "component.toml").write_text(stated, encoding="utf-8")
    if questions is not None:
        (folder / "copier.yml").write_text(questions, encoding="utf-8")
    return folder


def test_a_component_is_what_its_file_states(tmp_path: Path) -> None:
    loaded = Component.load(component(tmp_path))
    assert (loaded.id, loaded.name, loaded.multi, loaded.questions) == (
        "tool/clock",
        "clock",
        False,
        (),
    )


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (STATED + "colour = 1", "colour: Extra inputs"),
        (STATED.replace("api = 1", "api = 2"), "it is for plugin API 2, this mai knows 1 to 1"),
        (STATED.replace('title = "Clock"', ""), "title: Field required"),
        (STATED.replace("tool/clock", "agent/clock"), "is not of kind 'tool'"),
        (STATED.replace("tool/clock", "Tool/Clock!"), "id: String should match"),
        ("api = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_told_by_field(tmp_path: Path, stated: str, told: str) -> None:
    with pytest.raises(BrokenComponent) as broken:
        Component.load(component(tmp_path, stated))
    assert told in broken.value.message
    assert "component.toml" in broken.value.message


def test_a_component_without_a_template_is_refused(tmp_path: Path) -> None:
    component(tmp_path)
    (tmp_path / "template").rmdir()
    with pytest.raises(BrokenComponent, match="no folder 'template'"):
        Component.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("_tasks: [rm -rf /]", "_tasks: a component has questions only"),
        ("_jinja_extensions: [os]", "_jinja_extensions"),
        ("model: {type: str, colour: red}", "does not know colour"),
        ("model: {type: path}", "type"),
        ("model: {choices: 3}", "choices are a list or a mapping"),
        ("[1, 2]", "expected a mapping"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_mai_would_not_honour_in_a_question_is_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(BrokenComponent) as broken:
        _ = Component.load(component(tmp_path, questions=text)).questions
    assert told in broken.value.message


def test_a_bare_value_is_a_question_with_that_default(tmp_path: Path) -> None:
    (tmp_path / "copier.yml").write_text("port: 8000\nname: shop\nfast: true\n", encoding="utf-8")
    found = {q.name: (q.type, q.default) for q in read_questions(tmp_path / "copier.yml")}
    assert found == {"port": ("int", 8000), "name": ("str", "shop"), "fast": ("bool", True)}
