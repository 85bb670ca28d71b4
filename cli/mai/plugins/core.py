"""Where the core of a generated project lies: its questions and its template."""

from functools import cache
from pathlib import Path

from .questions import Question, read_core_questions


@cache
def core_root() -> Path:
    """The folder with `copier.yml` and `template/`: the checkout, or their copy in the wheel."""
    package = Path(__file__).parents[1]
    checkout = package.parents[1]
    if (checkout / "copier.yml").is_file() and (checkout / "template").is_dir():
        return checkout
    return package / "_bundle"


@cache
def core_questions() -> tuple[Question, ...]:
    return read_core_questions(core_root() / "copier.yml")
