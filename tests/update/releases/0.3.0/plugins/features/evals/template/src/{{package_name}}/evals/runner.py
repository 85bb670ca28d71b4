"""Asks an agent what its dataset says, with the tools, context and model that it is served with.

The inputs of a case are a message, or the body of a request. Nothing of it becomes a row.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from pydantic import ValidationError
from pydantic_ai.models import Model
from pydantic_evals import Dataset, increment_eval_metric
from pydantic_evals.evaluators import GEval, LLMJudge
from pydantic_evals.reporting import EvaluationReport

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..agents.registry import AgentRegistry
from ..auth.caller import LOCAL
from ..core.errors import InvalidRequest, NotFound
from ..core.services import Services
from ..llm.models import Models
from ..runs.settings import RunsSettings

AnyDataset: TypeAlias = Dataset[Any, Any, Any]
Report: TypeAlias = EvaluationReport[Any, Any, Any]

FOLDER = Path("evals")
CASES_AT_ONCE = 4


def dataset_names() -> list[str]:
    """The agents for which there is a dataset; raises `NotFound` when there is none."""
    names = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if not names:
        raise NotFound(f"there is no dataset in {FOLDER.absolute()}: write {FOLDER}/AGENT.yaml")
    return names


async def evaluate(services: Services, name: str, model_id: str = "") -> Report:
    """Return what came of the cases of agent `name`, asked of `model_id` or of its own model.

    Raises `NotFound` without such an agent or its dataset, `InvalidRequest` when the dataset is
    wrong, `ModelNotConfigured` when the model cannot be reached.
    """
    definition = services.get(AgentRegistry).find(name)
    path = FOLDER / f"{name}.yaml"
    dataset = read_dataset(path)
    body = definition.body_model(name)
    for number, case in enumerate(dataset.cases, 1):
        try:
            _request(body, case.inputs)
        except ValidationError as error:
            fault = f"inputs of case {case.name or number}: {_in_one_line(error)}"
            raise InvalidRequest(f"{path}: {fault}") from error
    models = services.get(Models)
    model = await _model(definition, models, model_id)
    for judge in _judges(dataset):
        if not isinstance(judge.model, Model):
            judge.model = await models.get(judge.model or models.settings.default_model)

    async def ask(inputs: Any) -> Any:
        request = _request(body, inputs)
        result = await definition.agent.run(
            request.message,
            deps=_deps(services, definition, request),
            model=model,
            model_settings=request.model_settings(),
            timeout=services.get(RunsSettings).time_limit_s,
        )
        increment_eval_metric("tokens", result.usage.total_tokens)
        return result.output

    return await dataset.evaluate(
        ask, name=name, max_concurrency=CASES_AT_ONCE, progress=False, task_name=name
    )


def has_passed(report: Report) -> bool:
    """Whether every case was answered and judged, and every assertion holds."""
    return not (report.failures or report.report_evaluator_failures) and all(
        not case.evaluator_failures and all(one.value for one in case.assertions.values())
        for case in report.cases
    )


def read_dataset(path: Path) -> AnyDataset:
    """The dataset in `path`; raises `NotFound`, or `InvalidRequest` with what is wrong in it."""
    try:
        dataset = AnyDataset.from_text(path.read_text("utf-8"), default_name=path.stem)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}: write the cases of agent {path.stem!r}") from error
    except Exception as error:  # YAML, schema and evaluators each fail in their own way
        raise InvalidRequest(f"{path} is no dataset: {_in_one_line(error)}") from error
    if not dataset.cases:
        raise InvalidRequest(f"{path} has no case: add one, such as `- inputs: Hello!`")
    return dataset


def _request(body: type[AgentRequest], inputs: Any) -> AgentRequest:
    return body.model_validate(inputs if isinstance(inputs, dict) else {"message": inputs})


async def _model(definition: AgentDefinition, models: Models, model_id: str) -> Model | None:
    if definition.brings_model and not model_id:
        return None
    return await models.get(model_id or definition.model_id(models.settings.default_model))


def _judges(dataset: AnyDataset) -> Iterator[LLMJudge | GEval]:
    """The evaluators that ask a model: what they name is a model id of this service."""
    for evaluators in (dataset.evaluators, *(case.evaluators for case in dataset.cases)):
        yield from (one for one in evaluators if isinstance(one, LLMJudge | GEval))


def _deps(services: Services, definition: AgentDefinition, request: AgentRequest) -> AgentDeps:
    return AgentDeps(
        caller=LOCAL,
        session_id=uuid4(),
        run_id=uuid4(),
        context=definition.context_of(request),
        request=request,
        services=services,
    )


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ExceptionGroup):  # one for each evaluator that cannot be made
        error = error.exceptions[0]
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())[:300]
