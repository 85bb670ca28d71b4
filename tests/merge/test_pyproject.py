"""`pyproject.toml` of real rendered projects, edited as people edit them."""

import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mai.merge.structured.lists import Favor, Merged
from mai.merge.structured.pyproject import merge_pyproject
from mai.render.engine import render

from tests.trees import catalog, manifest

COMPONENTS: dict[str, dict[str, Any]] = {
    "minimal": {"preset_name": "minimal"},
    "standard": {},
    "with a tool": {"added": ["tool:clock", "tool:web_fetch"]},
    "proprietary": {"preset_name": "minimal", "licence": "proprietary", "model_providers": []},
}


@cache
def rendered(components: str) -> str:
    tree = render(manifest(**COMPONENTS[components]), catalog()).tree
    return tree["pyproject.toml"].content.decode()


def merged(base: str, yours: str, new: str, favor: Favor = "ours") -> tuple[str, tuple[str, ...]]:
    result = merge_pyproject(base.encode(), yours.encode(), new.encode(), favor)
    assert result is not None
    tomllib.loads(result.content.decode())
    return result.content.decode(), result.kept


def project(*requirements: str) -> str:
    lines = "".join(f'    "{requirement}",\n' for requirement in requirements)
    return f'[project]\nname = "shop"\ndependencies = [\n{lines}]\n'


STORIES = {
    "uv add, and a component brings a dependency": (
        project("alembic", "redis"),
        project("alembic", "redis", "zstandard"),
        project("alembic", "qdrant-client", "redis"),
        project("alembic", "qdrant-client", "redis", "zstandard"),
    ),
    "uv remove of what nobody else changed": (
        project("alembic", "redis"),
        project("alembic"),
        project("alembic", "redis", "typer"),
        project("alembic", "typer"),
    ),
    "a dependency goes, and yours stays": (
        project("alembic", "redis"),
        project("alembic", "mine", "redis"),
        project("alembic"),
        project("alembic", "mine"),
    ),
    "a name is one name in any spelling": (
        project("Typing_Extensions>=4"),
        project("typing-extensions>=4", "mine"),
        project("Typing_Extensions>=5"),
        project("typing-extensions>=5", "mine"),
    ),
    "an extra of yours and an extra of a component": (
        project("pydantic-ai-slim[openai]>=2"),
        project("pydantic-ai-slim[groq,openai]>=2"),
        project("pydantic-ai-slim[openai,web-fetch]>=3"),
        project("pydantic-ai-slim[groq,openai,web-fetch]>=3"),
    ),
    "one name under two markers": (
        project("tzdata; sys_platform == 'win32'"),
        project("tzdata; sys_platform == 'win32'", "tzdata; sys_platform == 'emscripten'"),
        project("tzdata>=2025; sys_platform == 'win32'"),
        project("tzdata>=2025; sys_platform == 'win32'", "tzdata; sys_platform == 'emscripten'"),
    ),
    "one line stays one line": (
        'a = ["x", "y"]\n',
        "a = ['x', 'y', 'mine'] # why\n",
        'a = ["new", "x", "between", "y"]\n',
        "a = [\"new\", 'x', \"between\", 'y', 'mine'] # why\n",
    ),
    "one per line stays so, without a last comma": (
        'a = ["x", "y"]\n',
        'a = [\n  "x",\n  "y", # why\n  "mine"\n]\n',
        'a = ["x", "y", "z"]\n',
        'a = [\n  "x",\n  "y", # why\n  "z",\n  "mine"\n]\n',
    ),
    "at the end, without a last comma": (
        'a = ["x"]\n',
        'a = [\n  "mine",\n  "x" # why\n]\n',
        'a = ["x", "z"]\n',
        'a = [\n  "mine",\n  "x", # why\n  "z"\n]\n',
    ),
    "comments come with their items": (
        'a = [\n    "x",\n]\n',
        'a = [\n    "x", # mine\n]\n',
        'a = [\n    "x",\n    # above\n    "y", # behind\n]\n',
        'a = [\n    "x", # mine\n    # above\n    "y", # behind\n]\n',
    ),
    "a table that nobody edited goes": (
        "[a]\nx = 1\n\n[b]\ny = 1\n",
        "[a]\nx = 1\n\n[b]\ny = 1\n\n[mine]\nz = 1\n",
        "[a]\nx = 1\n",
        "[a]\nx = 1\n\n[mine]\nz = 1\n",
    ),
    "your own key in a table that goes": (
        "[a]\nx = 1\n\n[b]\ny = 1\n",
        "[a]\nx = 1\n\n[b]\nmine = 1\ny = 1\n",
        "[a]\nx = 1\n",
        "[a]\nx = 1\n\n[b]\nmine = 1\n",
    ),
    "a key that nobody edited goes": (
        "[a]\nx = 1\ny = 1\n",
        "[a]\nx = 1\ny = 1\nmine = 1\n",
        "[a]\nx = 1\n",
        "[a]\nx = 1\nmine = 1\n",
    ),
    "a table comes after its neighbour, not into your comments": (
        "[a]\nx = 1\n\n[c]\nz = 1\n",
        "[a]\nx = 1\n# mine, on a\n\n# mine, on c\n[c]\nz = 1\n",
        "[a]\nx = 1\n\n[b]\ny = 1\n\n[c]\nz = 1\n",
        "[a]\nx = 1\n# mine, on a\n\n[b]\ny = 1\n\n# mine, on c\n[c]\nz = 1\n",
    ),
    "inline tables merge by key": (
        "t = { a = 1 }\n",
        "t = { a = 1, mine = 2 }\n",
        "t = { a = 3, b = 4 }\n",
        "t = { a = 3, b = 4, mine = 2 }\n",
    ),
    "dotted keys and quoted keys": (
        '[a]\nb.c = 1\n"d.e" = 1\n',
        '[a]\nb.c = 1\n"d.e" = 1\nmine = 1\n',
        '[a]\nb . c = 2\n"d.e" = 2\n',
        '[a]\nb.c = 2\n"d.e" = 2\nmine = 1\n',
    ),
    "elements of an array of tables": (
        '[[i]]\nname = "a"\nurl = 1\n\n[[i]]\nname = "b"\n',
        '[[i]]\nname = "mine"\n\n[[i]]\nname = "a"\nurl = 1\n\n[[i]]\nname = "b"\n',
        '[[i]]\nname = "a"\nurl = 2\n\n[[i]]\nname = "c"\n',
        '[[i]]\nname = "mine"\n\n[[i]]\nname = "a"\nurl = 2\n\n[[i]]\nname = "c"\n',
    ),
    "groups that include groups": (
        '[dependency-groups]\ndev = ["ruff", {include-group = "a"}]\n',
        '[dependency-groups]\ndev = ["ruff", {include-group = "a"}, {include-group = "mine"}]\n',
        '[dependency-groups]\ndev = ["ruff", {include-group = "a"}, {include-group = "b"}]\n',
        '[dependency-groups]\ndev = ["ruff", {include-group = "a"}, {include-group = "b"}, '
        '{include-group = "mine"}]\n',
    ),
    "a list from nothing": (
        "a = []\nb = 1\n",
        "a = []\nb = 2\n",
        'a = [\n    "x", # why\n]\nb = 1\n',
        'a = [\n    "x", # why\n]\nb = 2\n',
    ),
    "text that looks like TOML": (
        'a = """\n[b]\n# c = 1\n"""\nd = \'#\'\n',
        'a = """\n[b]\n# c = 1\n"""\nd = \'#\'\nmine = "]"\n',
        'a = """\n[b]\n# c = 2\n"""\nd = \'#\'\n',
        'a = """\n[b]\n# c = 2\n"""\nd = \'#\'\nmine = "]"\n',
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_both_sides_are_in_the_result(story: str) -> None:
    base, yours, new, expected = STORIES[story]
    assert merged(base, yours, new) == (expected, ())


def test_mixed_line_ends_stay_where_they_are() -> None:
    yours = "a = 1\r\n# mine\r\nmine = 1\nb = [\r\n  1, # mine\r\n]\n"
    assert merged("a = 1\nb = [1]\n", yours, "a = 2\nb = [1, 2]\n") == (
        "a = 2\r\n# mine\r\nmine = 1\nb = [\r\n  1, # mine\r\n  2,\n]\n",
        (),
    )


def test_files_that_both_added_become_one() -> None:
    mine = '[tool.x]\na = ["mine"]\n'
    assert merged("", mine, '[tool.x]\na = ["y"]\nb = 1\n') == (
        '[tool.x]\na = ["y", "mine"]\nb = 1\n',
        (),
    )


PINNED = project("fastapi==0.160")
CONFLICTS = {
    "both changed a requirement": (
        project("fastapi>=0.165"),
        PINNED,
        project("fastapi>=0.170"),
        PINNED,
        "project.dependencies: yours `fastapi==0.160` kept, the new version has `fastapi>=0.170`",
    ),
    "the template drops what you changed": (
        project("fastapi>=0.165"),
        PINNED,
        project(),
        PINNED,
        "project.dependencies: yours `fastapi==0.160` kept, the new version removes it",
    ),
    "the template changes what you removed": (
        project("fastapi>=0.165"),
        project(),
        project("fastapi>=0.170"),
        project(),
        "project.dependencies: you removed it, the new version has `fastapi>=0.170`",
    ),
    "both changed a value": (
        "[tool.ruff]\nline-length = 100\n",
        "[tool.ruff]\nline-length = 88\n",
        "[tool.ruff]\nline-length = 120\n",
        "[tool.ruff]\nline-length = 88\n",
        "tool.ruff.line-length: yours `88` kept, the new version has `120`",
    ),
    "the template drops a table that you edited": (
        "[a]\nx = 1\n\n[tool.b]\ny = 1\n",
        "[a]\nx = 1\n\n[tool.b]\ny = 1 # mine\n",
        "[a]\nx = 1\n",
        "[a]\nx = 1\n\n[tool.b]\ny = 1 # mine\n",
        "tool.b: yours `[tool.b]` kept, the new version removes it",
    ),
    "both changed a comment": (
        "# one\na = 1\n",
        "# mine\na = 1\n",
        "# two\na = 2\n",
        "# mine\na = 2\n",
        "comment of a: yours `# mine` kept, the new version has `# two`",
    ),
}


@pytest.mark.parametrize("story", CONFLICTS)
def test_where_both_want_something_else_yours_is_kept_and_told(story: str) -> None:
    base, yours, new, expected, line = CONFLICTS[story]
    assert merged(base, yours, new) == (expected, (line,))


def test_the_new_version_wins_when_told_so_and_still_tells() -> None:
    base = project("fastapi>=0.165", "redis") + "\n[tool.x]\na = 1\nb = 1\n"
    yours = project("fastapi==0.160") + "\n[tool.x]\na = 2\nb = 1\nmine = 1\n"
    new = project("fastapi>=0.170", "redis>=8")
    result, kept = merged(base, yours, new, "theirs")
    assert result == project("fastapi>=0.170", "redis>=8") + "\n[tool.x]\nmine = 1\n"
    assert kept == (
        "project.dependencies: `fastapi>=0.170` of the new version taken, "
        "yours was `fastapi==0.160`",
        "project.dependencies: `redis>=8` of the new version taken, you had removed it",
        "tool.x.a: yours `2` removed, as in the new version",
    )


@pytest.mark.parametrize(
    ("base", "yours", "new"),
    [
        (b"a = 1\n", b"a = \n", b"a = 2\n"),
        (b"a = 1\n", b"a = '\xff'\n", b"a = 2\n"),
        # A table that is written in another form takes no header.
        (b"[p]\n", b"p = {mine = 1}\n", b"[p]\n[p.s]\nx = 1\n"),
        # An element that came would take your sub-table from the one it belongs to.
        (
            b"[[a]]\nn = 1\n",
            b"[[a]]\nn = 1\n[a.mine]\nx = 1\n",
            b"[[a]]\nn = 1\n[[a]]\nn = 2\n",
        ),
    ],
)
def test_what_has_no_such_structure_is_left_to_lines(base: bytes, yours: bytes, new: bytes) -> None:
    assert merge_pyproject(base, yours, new) is None


Edit = Callable[[str], str]


def _insert(anchor: str, line: str) -> Edit:
    """Puts `line` after the line that starts with `anchor`, where there is one."""
    return lambda text: re.sub(
        rf"(?m)^({re.escape(anchor)}.*\n)", lambda m: m[1] + line, text, count=1
    )


def _replace(old: str, new: str) -> Edit:
    return lambda text: text.replace(old, new, 1)


def _shuffled(text: str) -> str:
    lines = re.findall(r'(?m)^    "[a-z].*\n', text[: text.index("[project.scripts]")])
    return text.replace("".join(lines), "".join(reversed(lines)))


def _one_line(text: str) -> str:
    head, _, rest = text.partition("dev = [\n")
    items, _, rest = rest.partition("]\n")
    return f"{head}dev = [{', '.join(i.strip(' ,') for i in items.splitlines())}]\n{rest}"


YOUR_EDITS: dict[str, Edit] = {
    "uv add, sorted": _insert('    "redis', '    "rio-mine>=1",\n'),
    "uv add, at the end": _replace(
        "]\n\n[project.scripts]", '    "zz-mine",\n]\n\n[project.scripts]'
    ),
    "uv add, at the start": _replace("dependencies = [\n", 'dependencies = [\n    "aa-mine",\n'),
    "uv add --dev": _insert('    "ruff', '    "ty-mine>=0.1",\n'),
    "uv remove": _replace('    "typer>=0.29,<1",\n', ""),
    "a comment on an item": _replace('"redis>=8.1,<9",', '"redis>=8.1,<9", # mine'),
    "a comment above an item": _insert('    "alembic', "    # mine: above\n"),
    "uv add --optional": _replace(
        "\n[dependency-groups]",
        '\n[project.optional-dependencies]\ngpu = [\n    "torch-mine",\n]\n\n[dependency-groups]',
    ),
    "a table at the end": lambda text: text + '\n[tool.mine]\nx = ["a"] # mine\n',
    "a table in between": _replace(
        "\n[tool.mypy]", "\n# mine\n[tool.ruff.format]\na = 1\n\n[tool.mypy]"
    ),
    "a comment at the end of a table": _insert("xfail_strict", "# mine: the end of pytest\n"),
    "a key": _insert("strict = true", "mine = true\n"),
    "another value": _replace("line-length = 100", "line-length = 88"),
    "a blank line": _insert("strict = true", "\n"),
    "a comment at the top": lambda text: "# mine: the top\n\n" + text,
    "other quotes": _replace('"structlog>=25.5"', "'structlog>=25.5'"),
    "another order": _shuffled,
    "dev on one line": _one_line,
    "another rule": _replace('"S", "SIM"', '"S", "MINE", "SIM"'),
    "no last line end": lambda text: text.removesuffix("\n"),
    "CRLF": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
}
ADDITIONS: dict[str, Edit] = {
    "first": _replace("dependencies = [\n", 'dependencies = [\n    "aaa",\n'),
    "middle": _insert('    "fastapi', "    \"fff[x]>=1; os_name == 'nt'\",\n"),
    "commented": _insert('    "redis', '    # why rrr\n    "rrr>=1", # behind\n'),
    "last": _replace("]\n\n[project.scripts]", '    "zzz",\n]\n\n[project.scripts]'),
    "dev": _insert('    "anyio', '    "bandit",\n'),
    "dev, last": _insert('    "ruff', '    "yyy", # why\n'),
    "group": _insert("[dependency-groups]", 'docs = ["mkdocs"]\n'),
    "rule": _replace('"E", "F",', '"E", "EM", "F",'),
    "rule, first": _replace('"ASYNC",', '"A", "ASYNC",'),
    "inline": _replace('src = ["src", "tests"]', 'src = ["first", "src", "mid", "tests", "last"]'),
    "table": _replace("\n[tool.mypy]", "\n# a new one\n[tool.new]\nx = 1\n\n[tool.mypy]"),
    "table, last": lambda text: text + "\n[[tool.late]]\nx = 1\n\n[[tool.late]]\nx = 2\n",
    "key": _insert("strict = true", "# why\nadded = true\n"),
    "an extra of the project": _replace(
        "\n[dependency-groups]",
        '\n[project.optional-dependencies]\nextra = ["jax"]\n\n[dependency-groups]',
    ),
    "version": _replace("fastapi>=0.165", "fastapi>=0.170"),
    "extra": _replace("uvicorn[standard]", "uvicorn[other,standard]"),
    "value": _replace("branch = true", "branch = false"),
}
some_of_yours = st.lists(st.sampled_from(sorted(YOUR_EDITS)), unique=True, max_size=6)
some_additions = st.lists(st.sampled_from(sorted(ADDITIONS)), unique=True, min_size=1, max_size=6)
components = st.sampled_from(sorted(COMPONENTS))


def edited(text: str, names: Sequence[str], edits: dict[str, Edit]) -> str:
    for name in sorted(names, key=lambda n: n == "CRLF"):
        text = edits[name](text)
    return text


def three(yours: bytes, base: str, new: str) -> Merged:
    result = merge_pyproject(base.encode(), yours, new.encode())
    assert result is not None
    tomllib.loads(result.content.decode())
    return result


def mine(text: bytes) -> list[str]:
    """What people added: each such thing bears the word."""
    return sorted(re.findall(r"(?i)[\w-]*mine[\w-]*", text.decode()))


@pytest.mark.parametrize("edit", YOUR_EDITS)
def test_each_edit_edits(edit: str) -> None:
    assert YOUR_EDITS[edit](rendered("standard")) != rendered("standard")


@pytest.mark.parametrize("addition", ADDITIONS)
def test_each_addition_adds(addition: str) -> None:
    assert ADDITIONS[addition](rendered("standard")) != rendered("standard")


@given(components, some_of_yours, some_additions)
@settings(deadline=None)
def test_what_came_and_goes_again_leaves_your_file_byte_for_byte(
    name: str, edits: list[str], additions: list[str]
) -> None:
    base = rendered(name)
    new = edited(base, additions, ADDITIONS)
    yours = edited(base, edits, YOUR_EDITS).encode()
    there = three(yours, base, new)
    assert there.kept == ()
    assert three(there.content, new, base) == Merged(yours, ())


@st.composite
def arrays(draw: st.DrawFn, items: list[str], comment: str = "") -> str:
    """An array of `items` as people may lay it out."""
    gaps = ["", " ", "  ", "\n  ", "\n\n  ", *([f"\n  {comment}\n  "] if comment else [])]
    ends = ["", " ", "\n", *([f" {comment}\n", f"\n  {comment}\n"] if comment else [])]
    text = ""
    for item in items:
        gap = draw(st.sampled_from(gaps))
        behind = draw(st.sampled_from(["", f" {comment}"])) if "\n" in gap and comment else ""
        text += behind + gap + f'"{item}",'
    comma = draw(st.booleans())
    text = text if comma else text.removesuffix(",")
    return f"a = [{text}{draw(st.sampled_from(ends))}]\n"


@given(st.data(), st.sets(st.sampled_from("bdfh")), st.sets(st.sampled_from("acegi"), min_size=1))
@settings(deadline=None)
def test_arrays_of_any_layout_take_items_and_give_them_back(
    data: st.DataObject, left: set[str], added: set[str]
) -> None:
    base = data.draw(arrays(list("bdfh")))
    new = data.draw(arrays(sorted({*"bdfh", *added}), "# new"))
    yours = data.draw(arrays(data.draw(st.permutations([*left, "mine"])), "# mine")).encode()
    there = three(yours, base, new)
    items = tomllib.loads(there.content.decode())["a"]
    assert sorted(items) == sorted([*left, *added, "mine"])
    assert three(there.content, new, base).content == yours


@given(components, components, some_of_yours, some_additions)
@settings(deadline=None)
def test_nothing_of_yours_is_lost_and_nothing_new_is_left_out(
    before: str, after: str, edits: list[str], additions: list[str]
) -> None:
    base, new = rendered(before), edited(rendered(after), additions, ADDITIONS)
    yours = edited(base, edits, YOUR_EDITS).encode()
    result = three(yours, base, new)
    assert mine(result.content) == mine(yours)
    was, wanted, got = (
        leaves(tomllib.loads(text)) for text in (base, new, result.content.decode())
    )
    untouched = wanted - was - {leaf for leaf in wanted if "line-length" in leaf[0]}
    assert untouched <= got
    assert (was - wanted) & got <= leaves(tomllib.loads(yours.decode())) - was


def leaves(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Each scalar of a document with where it stands."""
    if isinstance(value, dict):
        return set().union(*(leaves(v, f"{path}.{k}") for k, v in value.items()))
    if isinstance(value, list):
        return set().union(*(leaves(v, path) for v in value))
    return {(path, repr(value))}


@given(components, components, some_of_yours)
@settings(deadline=None)
def test_a_side_that_changed_nothing_gives_way(before: str, after: str, edits: list[str]) -> None:
    base, new = rendered(before), rendered(after)
    yours = edited(base, edits, YOUR_EDITS).encode()
    assert three(yours, base, base) == Merged(yours, ())
    assert three(base.encode(), base, new) == Merged(new.encode(), ())
    assert three(new.encode(), base, new) == Merged(new.encode(), ())


@given(components, components, some_of_yours, some_additions)
@settings(deadline=None)
def test_a_second_time_changes_nothing(
    before: str, after: str, edits: list[str], additions: list[str]
) -> None:
    base, new = rendered(before), edited(rendered(after), additions, ADDITIONS)
    result = three(edited(base, edits, YOUR_EDITS).encode(), base, new)
    assert three(result.content, base, new).content == result.content


@given(components, some_additions, st.sampled_from(["a table at the end", "a comment at the top"]))
@settings(deadline=None)
def test_an_edit_elsewhere_is_as_if_made_later(name: str, additions: list[str], edit: str) -> None:
    base = rendered(name)
    new = edited(base, additions, ADDITIONS)
    assume("table, last" not in additions)
    later = YOUR_EDITS[edit](new)
    assert three(YOUR_EDITS[edit](base).encode(), base, new).content.decode() == later
