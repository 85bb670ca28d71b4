import os
import subprocess
import sys
from pathlib import Path

import mai as package
import pytest
from mai import __version__
from mai.commands.app import SUMMARIES

from tests.conftest import Mai

RUN_AND_TELL_MODULES = """
import sys
from mai.commands.app import run
try:
    run(sys.argv[1:])
finally:
    print(*sys.modules)
"""
HEAVY = {"copier", "jinja2", "pluggy", "pydantic", "questionary", "rich", "yaml"}


def test_help_names_every_command(mai: Mai) -> None:
    said = mai("--help")
    for name, summary in SUMMARIES.items():
        assert f"  {name}" in said.stdout
        assert summary in " ".join(said.stdout.split())


def test_every_command_has_a_module_of_its_name() -> None:
    folder = Path(package.__file__).parent / "commands"
    others = {"__init__", "app", "completion", "intent", "options"}
    files = {path.stem for path in folder.glob("*.py")}
    groups = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert files - others | groups == set(SUMMARIES)


def test_the_version_is_the_distributions(mai: Mai) -> None:
    assert mai("--version").stdout == f"mai {__version__}\n"


def test_an_unknown_command_names_the_nearest(mai: Mai) -> None:
    said = mai("nwe", expect=2)
    assert said.stderr == "error: no command 'nwe'\n hint: did you mean 'new'?\n"


@pytest.mark.parametrize("argv", [["--help"], ["--version"]])
def test_nothing_heavy_is_imported_for(argv: list[str]) -> None:
    command = [sys.executable, "-c", RUN_AND_TELL_MODULES, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_completion_names_the_commands(tmp_path: Path) -> None:
    env = {**os.environ, "_MAI_COMPLETE": "complete_bash", "COMP_WORDS": "mai n", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "mai"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["new"]
