"""`.env.example` of real rendered projects, edited as people edit them."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mai.merge.structured.env_example import env_keys, merge_env_example
from mai.merge.structured.lists import Favor, Merged
from mai.render.engine import render

from tests.trees import catalog, manifest

COMPONENTS: dict[str, dict[str, Any]] = {
    "minimal": {"preset_name": "minimal"},
    "web fetch": {"added": ["tool:web_fetch"]},
    "postgresql": {"preset_name": "minimal", "database": "postgresql"},
}


@cache
def rendered(components: str) -> bytes:
    tree = render(manifest(**COMPONENTS[components]), catalog()).tree
    return tree[".env.example"].content


def merged(base: str, yours: str, new: str, favor: Favor = "ours") -> tuple[str, tuple[str, ...]]:
    result = merge_env_example(base.encode(), yours.encode(), new.encode(), favor)
    return result.content.decode(), result.kept


BASE = "# Top.\n\n# --- A ---\n# One.\n# ONE=1\n# TWO=2\n\n# --- B ---\nTHREE=3\n"
STORIES = {
    "a new key comes in its place, with its comment": (
        BASE.replace("# ONE=1", "ONE=mine"),
        BASE.replace("# TWO=2", "# New.\n# NEW=\n# TWO=2"),
        BASE.replace("# ONE=1", "ONE=mine").replace("# TWO=2", "# New.\n# NEW=\n# TWO=2"),
    ),
    "a new section comes below your own keys of the one before": (
        BASE.replace("# TWO=2\n", "# TWO=2\n# Mine.\nMINE=1\n"),
        BASE.replace("\n# --- B", "\n# --- NEW ---\n# NEW=\n\n# --- B"),
        BASE.replace("# TWO=2\n", "# TWO=2\n# Mine.\nMINE=1\n\n# --- NEW ---\n# NEW=\n"),
    ),
    "a key that you left alone goes with its comment": (
        BASE + "MINE=1\n",
        BASE.replace("# One.\n# ONE=1\n", ""),
        BASE.replace("# One.\n# ONE=1\n", "") + "MINE=1\n",
    ),
    "a section that you left alone goes": (
        "# Mine.\n" + BASE,
        BASE.replace("\n# --- B ---\nTHREE=3\n", ""),
        "# Mine.\n" + BASE.replace("\n# --- B ---\nTHREE=3\n", ""),
    ),
    "your own key in a section that goes": (
        BASE + "MINE=1\n",
        BASE.replace("\n# --- B ---\nTHREE=3\n", ""),
        BASE.replace("THREE=3", "MINE=1"),
    ),
    "a new default comes where you set nothing": (
        BASE.replace("THREE=3", "THREE=mine"),
        BASE.replace("ONE=1", "ONE=one"),
        BASE.replace("THREE=3", "THREE=mine").replace("ONE=1", "ONE=one"),
    ),
    "a better explanation comes to a value of yours": (
        BASE.replace("# ONE=1", "ONE=mine"),
        BASE.replace("One.", "One, in seconds."),
        BASE.replace("# ONE=1", "ONE=mine").replace("One.", "One, in seconds."),
    ),
    "a key that you moved to another section is still that key": (
        BASE.replace("# TWO=2\n", "") + "# TWO=2\n",
        BASE.replace("# TWO=2", "# TWO=two"),
        BASE.replace("# TWO=2\n", "") + "# TWO=two\n",
    ),
    "a key that you moved to a section of your own": (
        BASE.replace("# TWO=2\n", "") + "\n# --- MINE ---\nMINE=1\n# TWO=2\n",
        BASE.replace("# TWO=2", "# TWO=two"),
        BASE.replace("# TWO=2\n", "") + "\n# --- MINE ---\nMINE=1\n# TWO=two\n",
    ),
    "your value below the default that is commented out": (
        BASE.replace("# TWO=2\n", "# TWO=2\nTWO=mine\n"),
        BASE.replace("# TWO=2", "# TWO=two"),
        BASE.replace("# TWO=2\n", "# TWO=two\nTWO=mine\n"),
    ),
    "a key that you removed stays away": (
        BASE.replace("# TWO=2\n", ""),
        BASE + "# FOUR=\n",
        BASE.replace("# TWO=2\n", "") + "# FOUR=\n",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_both_sides_are_in_the_result(story: str) -> None:
    yours, new, expected = STORIES[story]
    assert merged(BASE, yours, new) == (expected, ())


CONFLICTS = {
    "both set a value": (
        BASE.replace("# ONE=1", "ONE=mine"),
        BASE.replace("# ONE=1", "# ONE=one"),
        "ONE: yours `ONE=mine` kept, the new version has `# ONE=one`",
    ),
    "the template drops what you set": (
        BASE.replace("# ONE=1", "ONE=mine"),
        BASE.replace("# One.\n# ONE=1\n", ""),
        "ONE: yours `ONE=mine` kept, the new version removes it",
    ),
    "the template drops a section in which you set a value": (
        BASE.replace("THREE=3", "THREE=mine"),
        BASE.replace("\n# --- B ---\nTHREE=3\n", ""),
        "THREE: yours `THREE=mine` kept, the new version removes it",
    ),
    "the template drops what you explained": (
        BASE.replace("# One.", "# Mine."),
        BASE.replace("# One.\n# ONE=1\n", ""),
        "ONE: yours `# ONE=1` kept, the new version removes it",
    ),
    "the template brings a key that you have elsewhere": (
        BASE + "\n# --- MINE ---\nNEW=mine\n",
        BASE + "\n# --- C ---\n# NEW=1\n",
        "NEW: yours `NEW=mine` kept, the new version has `# NEW=1`",
    ),
    "the template changes what you removed": (
        BASE.replace("# TWO=2\n", ""),
        BASE.replace("# TWO=2", "# TWO=two"),
        "TWO: you removed it, the new version has `# TWO=two`",
    ),
}


@pytest.mark.parametrize("story", CONFLICTS)
def test_where_both_want_something_else_yours_is_kept_and_told(story: str) -> None:
    yours, new, line = CONFLICTS[story]
    assert merged(BASE, yours, new) == (yours, (line,))


def test_the_new_version_wins_when_told_so_and_still_tells() -> None:
    yours = BASE.replace("# ONE=1", "ONE=mine").replace("THREE=3", "THREE=mine\nMINE=1")
    new = BASE.replace("ONE=1", "ONE=one").replace("\n# --- B ---\nTHREE=3\n", "")
    assert merged(BASE, yours, new, "theirs") == (
        BASE.replace("ONE=1", "ONE=one").replace("THREE=3", "MINE=1"),
        (
            "ONE: `# ONE=one` of the new version taken, yours was `ONE=mine`",
            "THREE: yours `THREE=mine` removed, as in the new version",
        ),
    )


def test_keys_are_listed_in_order_and_prose_is_no_key() -> None:
    content = b"# a=b is prose\n# ONE=1\nexport TWO=2\r\n#THREE=\n# ONE=again\nlower=\xff\n"
    assert env_keys(content) == ["ONE", "TWO", "THREE", "lower"]


def test_every_key_of_the_template_is_seen() -> None:
    text = rendered("postgresql").decode()
    assert env_keys(text.encode()) == re.findall(r"(?m)^(?:# )?([A-Z_]+)=", text)
    assert {"POSTGRES_PASSWORD", "LOG_LEVEL"} <= set(env_keys(text.encode()))


Edit = Callable[[bytes], bytes]


def _replace(old: bytes, new: bytes) -> Edit:
    return lambda content: content.replace(old, new, 1)


YOUR_EDITS: dict[str, Edit] = {
    "a value": _replace(b"# LOG_LEVEL=INFO", b"LOG_LEVEL=mine"),
    "a key in between": _replace(b"# SERVER_HOST=", b"# mine\nMINE_HOST=1\n# SERVER_HOST="),
    "a key at the end of a section": _replace(b"\n# --- Logging", b"MINE_DB=1\n\n# --- Logging"),
    "a key at the end": lambda content: content + b"MINE_END=1\n",
    "a section at the end": lambda content: content + b"\n# --- Mine ---\nMINE_OWN=1\n",
    "a section in between": _replace(
        b"# --- Runs", b"# --- Mine, too ---\nMINE_TOO=1\n\n# --- Runs"
    ),
    "a comment at the top": lambda content: b"# mine\n\n" + content,
    "a comment at the end": lambda content: content + b"\n# mine: the end\n",
    "a comment on a section": _replace(b"\n# --- Models", b"# mine: logs\n\n# --- Models"),
    "a comment on a key": _replace(b"# LOG_FILE=", b"# mine: file\n# LOG_FILE="),
    "a removed key": _replace(b"# SERVER_PORT=8000\n", b""),
    "not UTF-8": _replace(b"# DEBUG=false", b"DEBUG=mine\xff\xfe"),
    "no last line end": lambda content: content.removesuffix(b"\n"),
    "CRLF": lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
}
ADDITIONS: dict[str, Edit] = {
    "a key": _replace(b"# The address", b"# New.\n# NEW_HOST=1\n# The address"),
    "a first key": _replace(b"# --- Service ---\n", b"# --- Service ---\nNEW_FIRST=\n"),
    "a last key": lambda content: content + b"# New.\n# NEW_LAST=\n",
    "a section": _replace(b"# --- Runs", b"# --- New ---\n# NEW_KEY=1\n\n# --- Runs"),
    "a section at the end": lambda content: content + b"\n# --- Newest ---\n# NEWEST_KEY=1\n",
    "a default": _replace(b"TIME_LIMIT_S=600", b"TIME_LIMIT_S=700"),
    "an explanation": _replace(b"# Log its own", b"# A new word: log its own"),
}
some_of_yours = st.lists(st.sampled_from(sorted(YOUR_EDITS)), unique=True, max_size=6)
some_additions = st.lists(st.sampled_from(sorted(ADDITIONS)), unique=True, min_size=1, max_size=4)
components = st.sampled_from(sorted(COMPONENTS))


def edited(content: bytes, names: Sequence[str], edits: dict[str, Edit]) -> bytes:
    for name in sorted(names, key=["no last line end", "CRLF"].__contains__):
        content = edits[name](content)
    return content


@pytest.mark.parametrize("edit", [*YOUR_EDITS.values(), *ADDITIONS.values()])
def test_each_edit_edits(edit: Edit) -> None:
    assert edit(rendered("minimal")) != rendered("minimal")


@given(components, some_of_yours, some_additions)
@settings(deadline=None)
def test_what_came_and_goes_again_leaves_your_file_byte_for_byte(
    name: str, edits: list[str], additions: list[str]
) -> None:
    base = rendered(name)
    new = edited(base, additions, ADDITIONS)
    yours = edited(base, edits, YOUR_EDITS)
    there = merge_env_example(base, yours, new)
    assert there.kept == ()
    assert merge_env_example(new, there.content, base) == Merged(yours, ())


@given(components, components, some_of_yours, some_additions)
@settings(deadline=None)
def test_nothing_of_yours_is_lost_and_nothing_new_is_left_out(
    before: str, after: str, edits: list[str], additions: list[str]
) -> None:
    base, new = rendered(before), edited(rendered(after), additions, ADDITIONS)
    yours = edited(base, edits, YOUR_EDITS)
    result = merge_env_example(base, yours, new).content
    assert words(b"mine", result) == words(b"mine", yours)
    assert words(b"new", result) == words(b"new", new)
    wanted = set(env_keys(new)) - ({"SERVER_PORT"} if "a removed key" in edits else set())
    gone = set(env_keys(base)) - set(env_keys(new))
    assert set(env_keys(result)) == wanted | set(env_keys(yours)) - gone
    assert merge_env_example(base, result, new).content == result


def words(word: bytes, content: bytes) -> list[bytes]:
    return sorted(re.findall(rb"(?im)^.*\b%s.*$" % word, content.replace(b"\r", b"")))


@given(components, components, some_of_yours)
@settings(deadline=None)
def test_a_side_that_changed_nothing_gives_way(before: str, after: str, edits: list[str]) -> None:
    base, new = rendered(before), rendered(after)
    yours = edited(base, edits, YOUR_EDITS)
    assert merge_env_example(base, yours, base) == Merged(yours, ())
    assert merge_env_example(base, base, new) == Merged(new, ())
    assert merge_env_example(base, new, new) == Merged(new, ())
