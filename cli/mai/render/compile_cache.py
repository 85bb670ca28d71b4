"""Jinja templates compiled once instead of at each use.

Copier compiles every path part, exclusion and file anew, a thousand times for a project, and
most of its time goes there. Jinja's extension interface lets us remember the code objects: in
this process, and in Jinja's own bytecode cache for the next.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from types import CodeType
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.ext import Extension
from platformdirs import user_cache_path

_compiled: dict[str, CodeType] = {}
"""Source -> code. Every environment in `render/` has the same syntax, so one store serves all."""


class CompileCache(Extension):
    """Replaces the environment's `compile` by one that remembers."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        compile_anew = environment.compile

        def compile_once(
            source: str, name: str | None = None, filename: str | None = None, **more: Any
        ) -> CodeType:
            if source not in _compiled:
                _compiled[source] = _kept(
                    environment, source, lambda: compile_anew(source, name, filename, **more)
                )
            code = _compiled[source]
            return _lying_in(filename, code) if filename else code

        environment.compile = compile_once  # type: ignore[assignment, method-assign]


def _lying_in(filename: str, code: CodeType) -> CodeType:
    """The code of a file like another one, for tracebacks."""
    constants = tuple(
        _lying_in(filename, one) if isinstance(one, CodeType) else one for one in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


def _kept(environment: Environment, source: str, compiled: Callable[[], CodeType]) -> CodeType:
    """The code of `source` from the cache on disk, which gets it if it has it not."""
    cached = _disk()
    if cached is None:
        return compiled()
    bucket = cached.get_bucket(environment, source, None, source)
    if bucket.code is None:
        bucket.code = compiled()
        with suppress(OSError):
            cached.set_bucket(bucket)
    return bucket.code


@cache
def _disk() -> FileSystemBytecodeCache | None:
    """The cache of this version of Copier and Jinja; none where nothing can be written."""
    folder = user_cache_path("mai") / f"copier-{version('copier')}-jinja-{version('jinja2')}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return FileSystemBytecodeCache(str(folder))
    return None
