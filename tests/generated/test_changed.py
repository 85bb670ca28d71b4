"""A project that was changed is as whole as one that was made so."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mai.programs import uv

from tests.conftest import Mai
from tests.generated.test_suites import WHAT_IT_IS_MADE_OF, lint, run_suite


def test_a_changed_project_lints_types_and_passes_the_tests_of_what_it_is_made_of(
    mai: Mai,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check_types: Callable[[Path], None],
) -> None:
    mai("new", "shop", "--defaults", "--no-install", "--no-git")
    monkeypatch.chdir(tmp_path / "shop")
    mai("add", "agent", "support", "--from", "assistant", "-o", "model=demo", "--no-install")
    mai("add", "agent", "order-desk", "--no-install")
    mai("add", "tool", "weather", "--no-install")
    mai("remove", "tool", "clock", "--no-install")
    mai("set", "package_name=store", "project_title=The store", "--no-install")
    lint(tmp_path / "shop")
    check_types(tmp_path / "shop")
    run_suite(tmp_path / "shop", *WHAT_IT_IS_MADE_OF)
    uv.lock(tmp_path / "shop")
    mai("check")
