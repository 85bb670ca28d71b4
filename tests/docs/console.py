"""Runs the commands on a page, as typed: `python -m tests.docs.console PAGE` shows what they say.

A block of the language `console` holds commands (`$ …`) with all that they print; `…` stands for
anything, on a line of its own for any lines. `<!-- sh: … -->` is run, too, and not shown, and the
block after `<!-- file: PATH -->` is written to PATH. The
installed mai is the frozen 0.1.0, so that pages change with commands and not with templates; after
`export MAI_VERSION=0.2.0` it is one that changes a little of it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from mai.commands.app import run as run_mai
from mai.plan import presets
from mai.plugins import loader

from tests import trees
from tests.update.releases import RELEASES, catalog_of

ROOT = Path(__file__).parents[2]

_PROGRESS = re.compile(
    r"^(Rendering|Locking and installing|Writing and locking|Installing) …\n", re.MULTILINE
)
GIT = "[user]\nname = You\nemail = you@example.com\n[init]\ndefaultBranch = main\n"
_MAI = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.docs.console import mai
mai(sys.argv[1:])
"""


@dataclass(frozen=True)
class Step:
    """One command with what it is to print; nothing is said of one that is not shown."""

    command: str
    told: str | None

    def is_told_by(self, printed: str) -> bool:
        if self.told is None:
            return True
        lines = (
            "(?:.*\n)*" if line == "…\n" else re.escape(line).replace("…", ".*")
            for line in self.told.splitlines(keepends=True)
        )
        return re.fullmatch("".join(lines), printed) is not None


def steps(page: Path) -> Iterator[Step]:
    """The commands of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    kinds = r"<!-- sh: (.*?) -->|<!-- file: (\S+) -->\n```\w+\n(.*?)```|```console\n(.*?)```"
    for hidden, path, content, block in re.findall(kinds, text, re.DOTALL):
        if hidden:
            yield Step(hidden, None)
        if path:
            yield Step(f"cat >'{path}' <<'END'\n{content}END", None)
        for command, told in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            yield Step(command.strip(), told)


def run(page: Path, folder: Path, world: Mapping[str, str] | None = None) -> list[tuple[Step, str]]:
    """Each command of a page with what it printed, one after the other in one shell."""
    world = world or frozen_world(folder)
    found = list(steps(page))
    script = "".join(
        f"{{ {step.command}\n}} >{folder}/{number}.out 2>&1 </dev/null\n"
        for number, step in enumerate(found)
    )
    home = folder / "home"
    home.mkdir()
    subprocess.run(["bash", "-c", script], cwd=home, env=world, check=False)
    outputs = [folder / f"{number}.out" for number in range(len(found))]
    return [
        (step, _PROGRESS.sub("", output.read_text(encoding="utf-8")))
        for step, output in zip(found, outputs, strict=True)
    ]


def frozen_world(folder: Path) -> dict[str, str]:
    """A machine with git, both releases of mai, and a uv that needs no network."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {
        "mai": _MAI.format(python=sys.executable, root=str(ROOT)),
        "uv": "#!/bin/sh\necho uv 0.9.0\n",
    }.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    (folder / "gitconfig").write_text(GIT, encoding="utf-8")
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "UV": str(programs / "uv"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "MAI_VERSION": "0.1.0",
        "PYTHONUNBUFFERED": "1",
    }


def mai(argv: list[str]) -> NoReturn:
    """The mai of `MAI_VERSION`."""
    version = os.environ["MAI_VERSION"]
    if version == "0.1.0":
        _run_release(RELEASES / version, version, argv)
    with TemporaryDirectory() as folder:
        _run_release(_newer(Path(folder) / version), version, argv)


def _run_release(sources: Path, version: str, argv: list[str]) -> NoReturn:
    installed = loader.load_catalog()
    catalog = replace(
        catalog_of(sources, version), hooks=installed.hooks, plugins=installed.plugins
    )
    loader.load_catalog = lambda *_, **__: catalog
    then = {name: trees.preset_of(catalog, name) for name in presets.presets()}
    presets.presets = lambda: then  # type: ignore[assignment]  # it is cached, this need not be
    run_mai(argv)


def _newer(folder: Path) -> Path:
    """0.1.0 with a longer limit for runs, a new setting and a note."""
    shutil.copytree(RELEASES / "0.1.0", folder)
    settings = folder / "template/src/{{package_name}}/runs/settings.py"
    _replace(settings, "Field(600, gt=0", "Field(900, gt=0")
    _replace(
        settings, "    lease_s: float", "    pause_s: float = Field(0, ge=0)\n    lease_s: float"
    )
    env = folder / "template/.env.example.jinja"
    _replace(env, "# RUNS__TIME_LIMIT_S=600\n", "# RUNS__TIME_LIMIT_S=900\n# RUNS__PAUSE_S=0\n")
    component = folder / "plugins/agents/assistant/component.toml"
    note = "Runs may take 15 minutes: look at the time-out of your proxy."
    component.write_text(
        component.read_text(encoding="utf-8") + f'\n[updates]\n"0.2.0" = "{note}"\n',
        encoding="utf-8",
    )
    return folder


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, path
    path.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        for step, printed in run(Path(sys.argv[1]), Path(scratch)):
            if step.told is not None:
                mark = "" if step.is_told_by(printed) else "   <- not what the page says"
                sys.stdout.write(f"$ {step.command}{mark}\n{printed}")
