"""What `mai` costs, as ratios of CPU time within one run: `uv run python tests/bench/new.py`.

- `mai --help` against `python -c pass`: at most 15
- `mai new` of the standard preset against `copier copy` of the same tree: at most 0.8

Whole processes, children included, started in turn; the median of each is compared.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from mai.plugins.core import core_root

from tests import trees

ROUNDS = 11


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        template = combined_template(scratch)
        nothing, helped, made, copied = medians(
            lambda: [sys.executable, "-c", "pass"],
            lambda: [script("mai"), "--help"],
            lambda: [
                script("mai"),
                "new",
                "shop",
                "--defaults",
                "--no-install",
                "--no-git",
                "--into",
                fresh(scratch / "made"),
            ],
            lambda: [
                script("copier"),
                "copy",
                "--quiet",
                "--defaults",
                str(template),
                fresh(scratch / "copied"),
            ],
        )
        files = sum(path.is_file() for path in (scratch / "copied").rglob("*"))
    print(f"{'mai --help / python -c pass':<50} {helped / nothing:6.2f}  (at most 15)")
    print(f"{f'mai new / copier copy, {files} files':<50} {made / copied:6.2f}  (at most 0.8)")
    for label, cpu_s in [
        ("python -c pass", nothing),
        ("mai --help", helped),
        ("mai new", made),
        ("copier copy", copied),
    ]:
        print(f"  {label:<20} {cpu_s * 1000:6.0f} ms of CPU")


def combined_template(scratch: Path) -> Path:
    """The standard preset as one Copier template: the same tree in one plain `copier copy`."""
    made = trees.manifest("shop", "standard")
    source = scratch / "template"
    ignore = shutil.ignore_patterns("__pycache__", "*answers_file*")
    shutil.copytree(core_root() / "template", source / "template", ignore=ignore)
    answers = dict(made.project)
    for instance in made.instances:
        component = trees.catalog()[instance.component]
        shutil.copytree(component.template, source / "template", dirs_exist_ok=True, ignore=ignore)
        if component.multi:
            forms = instance.forms
            answers |= {"name": forms.slug, "module": forms.module, "class_name": forms.class_name}
            answers |= {"title": forms.title, **instance.answers}
    stated = yaml.safe_load((core_root() / "copier.yml").read_text(encoding="utf-8"))
    for key, value in answers.items():
        question = stated.setdefault(key, {"type": "str"})
        question["default"] = value
    (source / "copier.yml").write_text(yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")
    return source


def medians(*commands: Callable[[], list[str]]) -> list[float]:
    """The median CPU seconds of each command, run in turn; the first round only warms up."""
    costs: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS + 1):
        for cost, command in zip(costs, commands, strict=True):
            cost.append(cpu_s(command()))
    return [statistics.median(cost[1:]) for cost in costs]


def cpu_s(command: list[str]) -> float:
    # As on a user's machine, where modules are compiled once.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def fresh(folder: Path) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    return str(folder)


if __name__ == "__main__":
    main()
