from typing import Any

import pytest
from mai.errors import InvalidAnswer, UnknownName
from mai.plan.answers import complete, with_computed
from mai.plugins.questions import Question

DATABASE = Question(
    "database", choices={"SQLite": "sqlite", "PostgreSQL": "postgresql"}, default="sqlite"
)
PORT = Question(
    "port", type="int", default=8000, validator="{% if port < 1024 %}below 1024{% endif %}"
)


def test_what_is_not_given_takes_its_default_rendered_over_earlier_answers() -> None:
    title = Question("title", default="{{ name | upper }} on {{ database }}")
    assert complete([DATABASE, title], {}, {"name": "shop"}) == {
        "database": "sqlite",
        "title": "SHOP on sqlite",
    }


def test_text_from_the_command_line_becomes_the_type_of_the_question() -> None:
    tags = Question("tags", multiselect=True, choices={"A": "a", "B": "b"}, default=[])
    given = {"port": "8080", "tags": "a,b"}
    assert complete([PORT, tags], given, {}) == {"port": 8080, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"databas": "sqlite"}, UnknownName, "did you mean 'database'?"),
        ({"database": "postgres"}, UnknownName, "did you mean 'postgresql'?"),
        ({"port": "many"}, InvalidAnswer, "expected int"),
        ({"port": True}, InvalidAnswer, "expected int"),
        ({"port": 80}, InvalidAnswer, "below 1024"),
    ],
)
def test_an_answer_that_nobody_takes_is_refused(
    given: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as refused:
        complete([DATABASE, PORT], given, {})
    assert told in f"{refused.value.args[0]} {getattr(refused.value, 'hint', '')}"


def test_a_question_that_does_not_apply_has_no_answer() -> None:
    pool = Question("pool", type="int", default=5, when="{{ database == 'postgresql' }}")
    assert complete([DATABASE, pool], {}, {}) == {"database": "sqlite"}
    assert complete([DATABASE, pool], {"database": "postgresql"}, {})["pool"] == 5


def test_a_hidden_question_cannot_be_answered() -> None:
    hidden = Question("dependencies", type="yaml", default=[], when=False)
    assert complete([hidden], {}, {}) == {}
    with pytest.raises(UnknownName):
        complete([hidden], {"dependencies": ["x"]}, {})


def test_a_person_is_asked_only_what_was_not_given() -> None:
    asked: list[str] = []

    def person(question: Question, default: Any, known: object) -> Any:
        asked.append(question.name)
        return default

    quiet = Question("description", default="A service.", ask=False)
    complete([DATABASE, PORT, quiet], {"port": 9000}, {}, person)
    assert asked == ["database"]


def test_a_template_knows_the_default_of_a_question_that_does_not_apply() -> None:
    pool = Question("pool", type="int", default=5, when="{{ database == 'postgresql' }}")
    url = Question("url", default="{{ database }}/{{ pool }}", when=False)
    answers = complete([DATABASE, pool, url], {}, {})
    assert answers == {"database": "sqlite"}
    assert with_computed([DATABASE, pool, url], answers) == {
        "database": "sqlite",
        "pool": 5,
        "url": "sqlite/5",
    }
