"""What `mai` costs, as ratios of CPU time within one run: `uv run python -m tests.bench.new`.

- `mai --help` against `python -c pass`: at most 15
- `mai new` of the standard preset against `copier copy` of the same tree: at most 0.8

Whole processes, children included, started in turn; the median of each is compared.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from mai.plugins.core import core_root

from tests import trees
from tests.bench.cpu import fresh, medians, script


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


if __name__ == "__main__":
    main()
