import keyword
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mai import names
from mai.errors import InvalidName

SEED_LOCK = Path(names.__file__).parent / "apply" / "seed.lock"


@pytest.mark.parametrize("typed", ["my shop", "My Shop", "my-shop", "my_shop", "MyShop", "my.shop"])
def test_every_spelling_gives_the_same_slug_module_and_class(typed: str) -> None:
    name = names.parse(typed)
    assert (name.slug, name.module, name.class_name) == ("my-shop", "my_shop", "MyShop")
    assert name.env_prefix == "MY_SHOP"


def test_words_that_were_typed_stay_the_title() -> None:
    assert names.parse("Café Nord").title == "Café Nord"
    assert names.parse("order_desk").title == "Order desk"


def test_acronyms_are_one_word() -> None:
    assert names.parse("HTTPServer").slug == "http-server"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("2fast", "'fast'"),
        ("class", "'class-app'"),
        ("shop!", "'shop'"),
        ("日本", "'my-service'"),
        ("", "'my-service'"),
        ("x" * 41, "shorter"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_one_that_can(typed: str, told: str) -> None:
    with pytest.raises(InvalidName) as refused:
        names.parse(typed)
    assert told in refused.value.hint
    assert repr(typed) in refused.value.message


@pytest.mark.parametrize(
    "typed", ["json", "fastapi", "pydantic-ai", "tests", "mai", "sse starlette"]
)
def test_a_project_may_not_hide_what_it_imports(typed: str) -> None:
    with pytest.raises(InvalidName) as refused:
        names.project(typed)
    assert _suggested(refused.value).module not in names.TAKEN


@given(st.text(max_size=60))
def test_any_text_gives_a_valid_name_or_a_refusal_that_suggests_a_valid_one(typed: str) -> None:
    try:
        name = names.project(typed)
    except InvalidName as refused:
        name = _suggested(refused)
    assert name.module.isidentifier()
    assert name.module.isascii()
    assert not keyword.iskeyword(name.module)
    assert name.module not in sys.stdlib_module_names
    assert names.parse(name.slug).module == name.module


def _suggested(refused: InvalidName) -> names.Name:
    if "shorter" in refused.hint:
        return names.project("short")
    return names.project(refused.hint.removeprefix("try ").strip("'"))


def test_every_package_in_the_lock_of_a_project_is_taken() -> None:
    locked = tomllib.loads(SEED_LOCK.read_text(encoding="utf-8"))["package"]
    modules = {
        package["name"].replace("-", "_") for package in locked if "registry" in package["source"]
    }
    assert modules - names.TAKEN == set()
