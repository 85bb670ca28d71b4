"""Which command installs beside mai, where a receipt or a folder says how mai got there."""

import os
from pathlib import Path

import pytest
from mai.errors import Refused
from mai.plugins import installer
from mai.plugins.installer import UvProject, UvTool, Wanted, find_home

_RECEIPT = """\
[tool]
requirements = [
    { name = "mai-framework", extras = ["mcp"], specifier = ">=0.3" },
    { name = "six", marker = "python_full_version < '4'" },
    { name = "mai-a", git = "https://example.org/a?subdirectory=plugin&tag=v1" },
    { name = "mai-b", path = "/tmp/with space/mai_b-1.0-py3-none-any.whl" },
    { name = "mai-c", directory = "/home/ada/c" },
    { name = "mai-d", editable = "/home/ada/d" },
    { name = "mai-e", url = "https://example.org/mai_e-1.0.tar.gz", subdirectory = "plugin" },
    { name = "pygments" },
]
python = "3.11"
entrypoints = [
    { name = "mai", install-path = "/home/ada/bin/mai", from = "mai-framework" },
    { name = "pygmentize", install-path = "/home/ada/bin/pygmentize", from = "pygments" },
]

[tool.options]
index = [{ url = "https://example.org/simple", name = "ours", explicit = false }]
find-links = ["file:///tmp/wheels"]
prerelease = "allow"
no-index = false
"""


def tool(folder: Path, receipt: str = _RECEIPT) -> UvTool:
    (folder / "uv-receipt.toml").write_text(receipt, encoding="utf-8")
    home = find_home(folder)
    assert isinstance(home, UvTool)
    return home


def test_all_that_a_uv_tool_was_told_is_said_again(tmp_path: Path) -> None:
    command = tool(tmp_path).install(Wanted("mai-f", "mai-f"))
    assert command.argv == (
        "uv", "tool", "install", "mai-framework[mcp]>=0.3",
        "--with", "six ; python_full_version < '4'",
        "--with", "mai-a @ git+https://example.org/a@v1#subdirectory=plugin",
        "--with", "mai-b @ file:///tmp/with%20space/mai_b-1.0-py3-none-any.whl",
        "--with", "mai-c @ file:///home/ada/c",
        "--with-editable", "/home/ada/d",
        "--with", "mai-e @ https://example.org/mai_e-1.0.tar.gz#subdirectory=plugin",
        "--with-executables-from", "pygments",
        "--python", "3.11",
        "--index", "ours=https://example.org/simple",
        "--find-links", "file:///tmp/wheels",
        "--prerelease", "allow",
        "--with", "mai-f",
    )  # fmt: skip
    assert command.env == {"UV_TOOL_DIR": str(tmp_path.parent), "UV_TOOL_BIN_DIR": "/home/ada/bin"}


def test_another_source_takes_the_place_of_the_recorded_one(tmp_path: Path) -> None:
    argv = tool(tmp_path).install(Wanted("/home/ada/new", "mai-c")).argv
    assert "mai-c @ file:///home/ada/c" not in argv
    assert argv[-2:] == ("--with", "/home/ada/new")


def test_what_cannot_be_said_again_is_not_dropped_in_silence(tmp_path: Path) -> None:
    receipt = _RECEIPT.replace("[tool]\n", '[tool]\nconstraints = [{ name = "six" }]\n')
    with pytest.raises(Refused, match="has constraints, which mai cannot repeat"):
        tool(tmp_path, receipt).install(Wanted("mai-f", "mai-f"))


def test_what_came_along_with_another_is_not_uninstalled_alone(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="mai-z came along with another package"):
        tool(tmp_path).uninstall("mai-z")


@pytest.mark.parametrize(
    ("lists", "options"),
    [
        ('dependencies = ["mai-framework"]', ()),
        ('[dependency-groups]\ntools = ["Mai_Framework>=0.3"]', ("--group", "tools")),
        ('[project.optional-dependencies]\nai = ["mai-framework"]', ("--optional", "ai")),
        ("", ("--dev",)),
    ],
)
def test_a_plugin_stands_where_mai_stands_in_a_project(
    tmp_path: Path, lists: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\n{lists}\n", encoding="utf-8")
    (tmp_path / "uv.lock").touch()
    home = find_home(tmp_path / ".venv")
    assert home == UvProject(tmp_path)
    project = ("uv", "add", "--project", str(tmp_path))
    assert home.install(Wanted("mai-f", "mai-f")).argv == (*project, *options, "mai-f")


def test_a_cache_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").touch()
    with pytest.raises(Refused, match="is gone the next time") as refused:
        find_home(tmp_path / "archive-v0/abc")
    assert refused.value.hint == "uv tool install mai-framework --with PLUGIN"


def test_what_belongs_to_the_system_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(installer, "get_path", lambda _: str(tmp_path))
    with pytest.raises(Refused, match="belong to the system") as refused:
        find_home(tmp_path)
    assert refused.value.hint == "uv tool install mai-framework --with PLUGIN"


def test_where_nobody_may_write_it_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # who runs tests may be root
    with pytest.raises(Refused, match="is not writable for you") as refused:
        find_home(tmp_path)
    assert "uv tool install mai-framework --with PLUGIN" in refused.value.hint
