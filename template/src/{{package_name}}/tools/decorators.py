"""What a tool's calls may cost: decorators that stand below `@tool`, in any order.

    @tool(category="weather")
    @with_cache(600)
    @with_rate_limit(20, 60)
    @with_retry()
    @with_timeout(5)
    async def forecast(city: str) -> Forecast:
        '''Tell the weather of the coming days.'''

The order is the order of the calls, from the outside in: here an answer from the cache counts for
no limit, and each attempt has five seconds.

The function keeps its signature, so tests call it as it is written. The caller and the services,
which a cache and a limit need, come from the call that `guard.py` is making: a tool need not take
`ctx` for them. Called outside of a tool call, a function is neither cached nor limited.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from hashlib import sha256
from inspect import signature
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, get_type_hints

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_ai import ModelRetry, RunContext, ToolFailed
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
from pydantic_core import PydanticSerializationError, to_json

from ..core.errors import StartupError
from ..core.kv import StoreUnavailable, count_in_period
from .definition import place, registry
from .guard import RunningCall, running_call

P = ParamSpec("P")
T = TypeVar("T")

Function: TypeAlias = Callable[P, Coroutine[Any, Any, T]]

log = structlog.get_logger(__name__)

_MEANT_FOR_THE_MODEL = (ModelRetry, ToolFailed, ApprovalRequired, CallDeferred)


class Decorator(Protocol):
    """Takes an async function and gives one of the same signature."""

    def __call__(self, function: Function[P, T], /) -> Function[P, T]: ...


class RateLimited(ToolFailed):
    """The tool was called too often.

    No `ModelRetry`: the model would try again at once, until the run fails.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def with_timeout(timeout_s: float) -> Decorator:
    """Give up after `timeout_s`: `TimeoutError`, which the model is told of and may react to."""

    def decorate(function: Function[P, T]) -> Function[P, T]:
        _check_order(function)

        @wraps(function)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            async with asyncio.timeout(timeout_s):
                return await function(*args, **kwargs)

        return limited

    return decorate


def with_retry(
    attempts: int = 3,
    *,
    on: tuple[type[Exception], ...] = (ConnectionError, TimeoutError),
    first_pause_s: float = 0.2,
) -> Decorator:
    """Try again when an error of `on` is raised, up to `attempts` times in all.

    The pauses double and vary. What a tool says to the model (`ModelRetry`, `ToolFailed`) goes
    to the model at once, whatever `on` names.
    """

    def decorate(function: Function[P, T]) -> Function[P, T]:
        _check_order(function)

        @wraps(function)
        async def persistent(*args: P.args, **kwargs: P.kwargs) -> T:
            for attempt in range(attempts - 1):
                try:
                    return await function(*args, **kwargs)
                except _MEANT_FOR_THE_MODEL:
                    raise
                except on as error:
                    pause_s = first_pause_s * 2**attempt * random.uniform(0.5, 1)  # noqa: S311
                    log.info("tool_tried_again", tool=function.__name__, error=repr(error))
                await asyncio.sleep(pause_s)
            return await function(*args, **kwargs)

        return persistent

    return decorate


def with_cache(ttl_s: float, *, per_caller: bool = True) -> Decorator:
    """Answer equal calls from the key-value store for `ttl_s` after the first that succeeded.

    Equal are calls of one caller, or of anybody with `per_caller=False`, with the same arguments,
    of the same version of the tool. Only what can be kept as JSON is kept. While the store is
    away, every call is the first.
    Raises `StartupError` for a function whose return type has no JSON.
    """

    def decorate(function: Function[P, T]) -> Function[P, T]:
        _check_order(function)
        adapter = _result_adapter(function)

        @wraps(function)
        async def cached(*args: P.args, **kwargs: P.kwargs) -> T:
            call = running_call.get(None)
            if call is None:
                return await function(*args, **kwargs)
            bound = signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            given = [one for one in bound.arguments.items() if not isinstance(one[1], RunContext)]
            key = _key("tools.cache", function, call, per_caller, call.tool.version, given)
            if (known := await _recall(call, key, adapter)) is not None:
                return known[0]
            result = await function(*args, **kwargs)
            await _keep(call, key, adapter, result, ttl_s)
            return result

        return cached

    return decorate


def with_rate_limit(limit: int, period_s: float, *, per_caller: bool = True) -> Decorator:
    """Let a caller, or with `per_caller=False` everybody together, call `limit` times a period.

    Periods are fixed, so around their border twice as many calls can pass. One call more fails
    with `RateLimited`, which tells the model in how many seconds it may call again. While the
    key-value store is away nothing is limited, and the log says so.
    """

    def decorate(function: Function[P, T]) -> Function[P, T]:
        _check_order(function)

        @wraps(function)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            call = running_call.get(None)
            if call is not None:
                key = _key("tools.rate", function, call, per_caller, period_s)
                count, wait_s = await _count(call, key, period_s)
                if count > limit:
                    often = f"more than {limit} times in {period_s:g} s"
                    told = f"{function.__name__} cannot be called {often}: wait {wait_s} s."
                    raise RateLimited(told, wait_s)
            return await function(*args, **kwargs)

        return limited

    return decorate


async def _recall(call: RunningCall, key: str, adapter: TypeAdapter[T]) -> tuple[T] | None:
    try:
        kept = await call.deps.services.kv.get(key)
        return None if kept is None else (adapter.validate_json(kept),)
    except (StoreUnavailable, ValidationError) as error:  # kept by code that has changed since
        log.warning("tool_cache_not_read", tool=call.tool.tool.name, error=str(error))
        return None


async def _keep(
    call: RunningCall, key: str, adapter: TypeAdapter[T], result: T, ttl_s: float
) -> None:
    try:
        kept = adapter.dump_json(result, warnings="error")
        await call.deps.services.kv.set(key, kept, ttl_s)
    except (StoreUnavailable, PydanticSerializationError) as error:
        log.warning("tool_cache_not_written", tool=call.tool.tool.name, error=str(error))


async def _count(call: RunningCall, key: str, period_s: float) -> tuple[int, int]:
    try:
        return await count_in_period(call.deps.services.kv, key, period_s)
    except StoreUnavailable as error:
        log.warning("tool_rate_limit_not_enforced", tool=call.tool.tool.name, error=str(error))
        return 0, 0


def _key(
    use: str, function: Callable[..., Any], call: RunningCall, per_caller: bool, *more: Any
) -> str:
    caller_id = call.deps.caller.id if per_caller else None
    digest = sha256(to_json([caller_id, *more])).hexdigest()
    return f"{use}:{place(function)}:{digest}"


def _result_adapter(function: Callable[..., Coroutine[Any, Any, T]]) -> TypeAdapter[T]:
    kind = get_type_hints(function).get("return", Any)
    try:
        return TypeAdapter(kind)
    except PydanticSchemaGenerationError as error:
        raise StartupError(
            f"{place(function)} returns {kind}, which cannot be kept as JSON: return a Pydantic "
            f"model, or leave out @with_cache"
        ) from error


def _check_order(function: Callable[..., Any]) -> None:
    if any(one.tool.function is function for one in registry.values()):
        raise StartupError(f"{place(function)}: @tool stands above the other decorators")
