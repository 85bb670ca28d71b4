import re
import subprocess
import sys
from pathlib import Path

import pytest
from mai.commands.app import SUMMARIES

from tests.docs.reference import ROOT, pages

PAGES = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])


def shell_blocks(page: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_reference_is_what_the_code_says() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"stale: {path.name}; run its generator"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_ci_runs_exactly_the_test_command_of_the_readme() -> None:
    test_command = shell_blocks(ROOT / "README.md")[1].strip()
    assert test_command.endswith("uv run pytest")
    assert test_command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_changelog_can_be_built() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "0.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "### Added" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_mai_command_on_a_page_exists(page: Path) -> None:
    for block in shell_blocks(page):
        for line in block.splitlines():
            for name in re.findall(r"(?:^|run |&& )mai (\w+)", line):
                assert name in SUMMARIES, line


def test_the_page_about_security_names_every_attack_that_is_tried() -> None:
    page = (ROOT / "docs/concepts/security.md").read_text(encoding="utf-8")
    tests = (ROOT / "tests/generated/test_attacks.py").read_text(encoding="utf-8")
    assert re.findall(r"^\| .* \| `(test_\w+)` \|$", page, re.MULTILINE) == re.findall(
        r"^def (test_\w+)", tests, re.MULTILINE
    )
