"""Jinja templates compiled once instead of at each use.

Copier compiles every path part, exclusion and file anew, a thousand times for a project, and
most of its time goes there. Jinja's extension interface lets us remember the code objects.
"""

from types import CodeType
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

_compiled: dict[str, CodeType] = {}
"""Source -> code. Every environment in `render/` has the same syntax, so one store serves all."""


class CompileCache(Extension):
    """Replaces the environment's `compile` by one that remembers."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        compile_anew = environment.compile

        def compile_once(source: str, *args: Any, **kwargs: Any) -> CodeType:
            if source not in _compiled:
                _compiled[source] = compile_anew(source, *args, **kwargs)
            return _compiled[source]

        environment.compile = compile_once  # type: ignore[assignment, method-assign]
