import pytest
from mai.errors import UnknownName, UsageError
from mai.plan.presets import preset, presets
from mai.plan.wishes import fold

MINIMAL = preset("minimal")


def test_flags_win_over_the_answers_file_and_that_over_the_preset() -> None:
    answers = {"database": "sqlite", "agent": {"assistant": {"model": "demo"}}}
    wishes = fold(
        MINIMAL, answers, ["tool:clock"], ["database=postgresql", "agent.assistant.model=test"]
    )
    assert wishes.project == {"database": "postgresql"}
    assert wishes.instances == {
        ("agent", "assistant"): {"from": "agent/basic", "model": "test"},
        ("tool", "clock"): {},
    }


@pytest.mark.parametrize("text", ["clock", "tool:", "tool"])
def test_with_wants_kind_and_name(text: str) -> None:
    with pytest.raises(UsageError, match="KIND:NAME"):
        fold(MINIMAL, {}, [text], [])


@pytest.mark.parametrize("text", ["tool/moon", "tool:tool/moon", "tool:tool:moon"])
def test_an_id_is_told_as_with_takes_it(text: str) -> None:
    with pytest.raises(UsageError, match="KIND:NAME") as refused:
        fold(MINIMAL, {}, [text], [])
    assert refused.value.hint == "--with tool:moon"


@pytest.mark.parametrize("text", ["database", "a.b=c", "a.b.c.d=e"])
def test_an_option_wants_a_key_and_a_value(text: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        fold(MINIMAL, {}, [], [text])


def test_answers_for_what_is_not_there_name_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        fold(MINIMAL, {}, [], ["agent.asistant.model=demo"])
    assert "agent.assistant" in refused.value.hint


def test_kinds_are_known_by_name() -> None:
    with pytest.raises(UnknownName) as refused:
        fold(MINIMAL, {}, ["tol:clock"], [])
    assert "'tool'" in refused.value.hint


def test_tables_in_an_answers_file_are_tables() -> None:
    with pytest.raises(UsageError, match="expected a table"):
        fold(MINIMAL, {"tool": ["clock"]}, [], [])


def test_unknown_presets_name_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        preset("standart")
    assert "'standard'" in refused.value.hint
    assert set(presets()) == {"minimal", "standard", "full"}
