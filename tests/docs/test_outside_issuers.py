"""The settings on the page about outside issuers are ones that a service starts with."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import trees
from tests.docs.console import ROOT

PAGE = ROOT / "docs" / "how-to" / "outside-issuers.md"
BLOCKS = re.findall(r"```sh\n((?:OIDC__\w+=.*\n)+)```", PAGE.read_text(encoding="utf-8"))
CHECK = """
from shop.auth.oidc.settings import OidcSettings
from shop.core.settings import load_settings
settings = load_settings(OidcSettings)
settings.check("production")
print(*settings.model_fields_set)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = trees.manifest("shop", "minimal", added=["auth:oidc"])
    return trees.write(made, tmp_path_factory.mktemp("issuers") / "shop")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_service_starts_with_them(project: Path, block: str) -> None:
    (project / ".env").write_text(block, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-c", CHECK]
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stated = {name.lower() for name in re.findall(r"OIDC__(\w+)=", block)}
    assert stated == set(done.stdout.split())


def test_there_are_settings_to_try() -> None:
    assert len(BLOCKS) == 5
