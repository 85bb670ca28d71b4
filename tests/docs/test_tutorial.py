"""The tutorial on plugins, command by command, with this checkout as the installed mai."""

import os
import sys
from pathlib import Path

import pytest
from mai.programs import uv

from tests.docs.console import GIT, ROOT, run

# `uv run` in an environment that is there already: no index is asked. What is in a plugin's folder
# is built by the real uv and installed, as it would be.
_UV = """\
#!/bin/sh
[ "$1" = run ] || exit 0
shift
project=.
[ "$1" != --project ] || {{ project=$2; shift 2; }}
PATH={scripts}:$PATH
if [ -f "$project/src/$1/__main__.py" ]; then
    export PYTHONPATH="$project/src"
    exec python -m "$@"
fi
export PYTHONPATH={site}
rm -rf {site}
[ -d "$project/.mai" ] || {uv} pip install --quiet --offline --no-deps --python {python} \\
    --target {site} "$project"
[ ! -d "$project/.mai" ] || export PYTHONPATH="$project/src"
exec "$@"
"""


@pytest.fixture
def world(tmp_path: Path, pytestconfig: pytest.Config) -> dict[str, str]:
    """A machine with mai and uv."""
    assert pytestconfig.cache is not None
    config = tmp_path / "gitconfig"
    config.write_text(GIT, encoding="utf-8")
    programs, scripts = tmp_path / "bin", Path(sys.executable).parent
    programs.mkdir()
    (programs / "mai").symlink_to(scripts / "mai")
    (programs / "uv").write_text(
        _UV.format(scripts=scripts, site=tmp_path / "site", uv=uv.find(), python=sys.executable),
        encoding="utf-8",
    )
    (programs / "uv").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "UV": str(programs / "uv"),
        "GIT_CONFIG_GLOBAL": str(config),
        "MAI_TESTING_PYTHON": sys.executable,
        "MYPY_CACHE_DIR": str(pytestconfig.cache.mkdir("mypy")),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.mark.slow  # a component is checked three times; an ordinary run does it once elsewhere
@pytest.mark.skipif(os.name == "nt", reason="the page's commands are for a POSIX shell")
def test_every_command_says_what_the_page_shows(tmp_path: Path, world: dict[str, str]) -> None:
    page = ROOT / "docs" / "tutorial" / "first-plugin.md"
    wrong = [
        f"$ {step.command}\n{printed}"
        for step, printed in run(page, tmp_path, world)
        if not step.is_told_by(printed)
    ]
    assert wrong == [], "\n".join(wrong)
