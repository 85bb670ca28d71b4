"""Every module of the project can be imported by itself."""

import subprocess
import sys
from importlib import import_module

from pydantic_settings import BaseSettings


def test_every_module_is_imported_without_a_warning(
    package: str, settings_classes: list[type[BaseSettings]]
) -> None:
    assert settings_classes, "the fixture has imported every module to find them"
    import_module(f"{package}.main")


def test_help_imports_no_framework_and_no_database(package: str) -> None:
    code = (
        f"import sys; from {package}.cli import build_cli; build_cli(); "
        f"print(sorted({{'fastapi', 'sqlalchemy', 'pydantic_ai', 'alembic'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
