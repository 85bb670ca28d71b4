"""The mode on the page about modes, in a project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mai.testing.environment import Environment

from tests import trees
from tests.docs.console import ROOT, steps
from tests.generated.test_suites import run_suite

PAGE = ROOT / "docs" / "how-to" / "write-an-auth-mode.md"
MINE = ("src/shop/auth/badge", "tests/auth/test_badge.py")


@pytest.mark.skipif(os.name == "nt", reason="files are written by a POSIX shell")
def test_it_passes_the_contract_and_is_clean(tmp_path: Path) -> None:
    project = trees.write(trees.manifest("shop", "minimal"), tmp_path / "shop")
    (project / "src/shop/auth/badge").mkdir()
    environment = Environment(Path(sys.executable), tmp_path)
    for step in steps(PAGE):
        subprocess.run(["bash", "-c", step.command], cwd=project, check=True)
    environment.run(project, "ruff", "check", "--no-cache", *MINE)
    environment.run(project, "ruff", "format", "--check", "--no-cache", *MINE)
    assert "passed" in run_suite(project, "tests/auth/test_badge.py", "tests/core/test_modules.py")
