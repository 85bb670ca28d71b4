"""A model whose errors say what to do, and several of them as one.

When a model fails before its first token, the next one is asked. What fails later is an error:
two answers glued together would be nobody's.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import structlog
from pydantic_ai import RunContext
from pydantic_ai.exceptions import (
    FallbackExceptionGroup,
    ModelAPIError,
    ModelConnectionError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from ..core.errors import AppError, ModelError
from .errors import codes_of, explain, first_line

log = structlog.get_logger(__name__)


class NamedModel(WrapperModel):
    """A model that is asked for by its id: its errors are logged, and raised as `AppError`."""

    def __init__(self, asked_as: str, wrapped: Model) -> None:
        super().__init__(wrapped)
        self.asked_as = asked_as

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask the model; raises `AppError`."""
        with self._explaining(Exception):
            return await super().request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask the model; raises `AppError`, also while the answer is read."""
        asked = super().request_stream(
            messages, model_settings, model_request_parameters, run_context
        )
        # Whoever reads the answer may fail by himself: only what is surely the model's is taken.
        with self._explaining(ModelAPIError, UnexpectedModelBehavior):
            async with AsyncExitStack() as exits:
                with self._explaining(Exception):
                    response = await exits.enter_async_context(asked)
                yield response
                if _lacks_its_end(response):
                    raise ModelConnectionError(self.model_name, "it said no end", phase="read")

    @contextmanager
    def _explaining(self, *kinds: type[Exception]) -> Iterator[None]:
        try:
            yield
        except AppError:
            raise
        except kinds as error:
            known = explain(error, self.asked_as)
            log.warning(
                "model_failed", model=self.asked_as, error=codes_of(error), exc_info=known is None
            )
            raise known or _unknown(error, self.asked_as) from error


class Failover(FallbackModel):
    """Models by id that are asked in order, until one answers; `broken` ones are only named."""

    def __init__(self, candidates: Mapping[str, Model], broken: Sequence[AppError] = ()) -> None:
        super().__init__(*candidates.values(), fallback_on=(Exception,))
        self._ids = list(candidates)
        self._broken = broken

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask one model after the other; raises an `AppError` that names each of them."""
        with self._explaining():
            return await super().request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask one model after the other, until the first token of one has come."""
        asked = super().request_stream(
            messages, model_settings, model_request_parameters, run_context
        )
        with self._explaining():
            async with asked as response:
                yield response

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except FallbackExceptionGroup as group:
            failed = zip(self._ids, group.exceptions, strict=False)
            told = [explain(error, one) or _unknown(error, one) for one, error in failed]
            told += self._broken
            main = next((error for error in told if error.retryable), told[0])
            message = "; ".join(error.message for error in told)
            raise _retold(main, message) from group


def _lacks_its_end(response: StreamedResponse) -> bool:
    """Whether all was read and the last word is missing, which a model's profile asks chats for."""
    said = response.get()
    if said.provider_name == "anthropic":
        return said.state == "complete" and "finish_reason" not in (said.provider_details or {})
    # OpenAI's responses begin as incomplete; one is unmeasured only when it was read to its end.
    return response.state == "incomplete" and said.usage.unmeasured_requests > 0


def _retold(error: AppError, message: str) -> AppError:
    """The same error with another message, whatever its class is made with."""
    retold = type(error).__new__(type(error), message)
    vars(retold).update(vars(error), message=message)
    return retold


def _unknown(error: Exception, model_id: str) -> ModelError:
    return ModelError(f"{model_id}: its answer cannot be used: {first_line(error)}")
