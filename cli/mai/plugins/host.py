"""One plugin, and how it is called so that it hurts nobody."""

import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from threading import Thread
from typing import Any, TypeVar

import pluggy

from ..errors import PluginFailed
from . import faults, hookspecs

T = TypeVar("T")

LIMIT_S = 10.0
"""How long a plugin may take to be imported, and for each hook."""


@dataclass(frozen=True)
class Provider:
    """The distribution that a component comes from."""

    distribution: str
    version: str


@dataclass(frozen=True)
class Plugin:
    """The hooks behind one entry point."""

    name: str
    """`mai-weather:weather`: its distribution and its entry point."""
    provider: Provider
    package: str
    """What is imported of it: `mai_weather`."""
    hooks: pluggy.HookRelay

    @classmethod
    def load(cls, point: EntryPoint, provider: Provider) -> "Plugin":
        """Imports it; raises `PluginFailed` when it cannot be, or has a hook that mai does not
        know. Its manager is its own, so that a failure is, too."""
        manager = pluggy.PluginManager("mai")
        manager.add_hookspecs(hookspecs)
        name = f"{provider.distribution}:{point.name}"

        def register() -> None:
            manager.register(point.load(), name=point.name)
            manager.check_pending()

        package = point.module.partition(".")[0]
        contained(name, package, f"import {point.value}", register)
        return cls(name, provider, package, manager.hook)

    def ask(self, hook: str, taken: Callable[[Any], T], **given: Any) -> T:
        """What `taken` makes of its answer to a hook, which is none when it has not that hook.

        Raises `PluginFailed` when either raises, or takes longer than `LIMIT_S`.
        """
        caller = getattr(self.hooks, hook)
        if not caller.get_hookimpls():
            return taken(None)
        copies = deepcopy(given)
        return contained(self.name, self.package, hook, lambda: taken(caller(**copies)))


def one(expected: type[T]) -> Callable[[Any], T | None]:
    """Takes an answer of one type, or none."""
    return lambda answer: None if answer is None else _of_type(answer, expected)


def many(expected: type[T]) -> Callable[[Any], list[T]]:
    """Takes any number of values of one type."""
    return lambda answer: [_of_type(value, expected) for value in answer or ()]


def contained(plugin: str, package: str, doing: str, call: Callable[[], T]) -> T:
    """What `call` returns; raises `PluginFailed` for whatever it raises, and when it takes longer
    than `LIMIT_S`.

    It runs in a thread that is left behind when it hangs: the process does not wait for it. What
    it prints goes to stderr, for stdout belongs to data.
    """
    ended: list[T | BaseException] = []

    def work() -> None:
        try:
            ended.append(call())
        # A border: SystemExit, and a KeyboardInterrupt that nobody typed, must not end mai.
        except BaseException as error:  # noqa: BLE001
            ended.append(error)

    thread = Thread(target=work, name=plugin, daemon=True)
    with redirect_stdout(sys.stderr):
        thread.start()
        deadline = time.monotonic() + LIMIT_S
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.1)  # Windows tells of Ctrl-C between two waits, never in one
    if not ended:
        late = TimeoutError(f"it takes longer than {LIMIT_S:g} s")
        raise PluginFailed(plugin, doing, late, faults.of_thread(thread, package))
    (result,) = ended
    if isinstance(result, BaseException):
        where = faults.of_error(result, package)
        raise PluginFailed(plugin, doing, result, where) from result
    return result


def _of_type(value: Any, expected: type[T]) -> T:
    if not isinstance(value, expected):
        raise TypeError(f"expected {expected.__name__}, got {value!r}")
    return value
