"""The providers in `copier.yml` are those of Pydantic AI, with the extra that serves each."""

import inspect
import re
import tomllib
from importlib.metadata import metadata
from typing import Any

import pytest
from mai.errors import InvalidAnswer
from mai.plan.answers import complete
from mai.plan.instances import wanted_instance
from mai.plugins.core import core_questions
from mai.render.engine import render
from pydantic_ai.providers import infer_provider_class

from tests import trees

QUESTIONS = {question.name: question for question in core_questions()}
PACKAGES = QUESTIONS["provider_packages"].default


def test_every_provider_of_pydantic_ai_can_be_the_default() -> None:
    source = inspect.getsource(infer_provider_class)
    branches = re.findall(r"^ *(?:el)?if provider (?:==|in) (.+):$", source, re.MULTILINE)
    known = {name for branch in branches for name in re.findall(r"'([a-z0-9-]+)'", branch)}
    assert len(known) > 20
    assert known - set(PACKAGES) - NO_CHAT_MODELS == set()
    assert set(PACKAGES) - known == {"lmstudio", "qwen"}


NO_CHAT_MODELS = {"system-one", "elevenlabs", "sentence-transformers", "voyageai"}


def test_every_package_is_an_extra_and_a_choice() -> None:
    extras = set(metadata("pydantic-ai-slim").get_all("Provides-Extra", []))
    assert set(PACKAGES.values()) <= extras
    assert set(PACKAGES.values()) == set(QUESTIONS["model_providers"].choices.values())


@pytest.mark.parametrize(
    ("default_model", "packages"),
    [
        ("demo", {"anthropic", "openai"}),
        ("qwen:qwen-max", {"anthropic", "openai"}),
        ("groq:llama, xai:grok,openai:gpt-5", {"anthropic", "openai", "groq", "xai"}),
    ],
)
def test_the_package_of_each_model_of_a_list_is_installed(
    default_model: str, packages: set[str]
) -> None:
    assert set(answers(default_model=default_model)["model_providers"]) == packages


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"default_model": "openai:gpt-5,demo"}, "demo stands alone"),
        ({"default_model": "openai:gpt-5,"}, " is not a model id"),
        ({"default_model": "openai:gpt-5,gpt"}, "gpt is not a model id"),
        ({"default_model": "openai:gpt-5,opena:gpt-5"}, "no provider opena"),
        (
            {"default_model": "openai:gpt-5, groq:llama", "model_providers": ["openai"]},
            "default_model groq:llama needs groq",
        ),
    ],
)
def test_each_model_of_a_list_is_checked(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidAnswer, match=told):
        answers(**given)


@pytest.mark.parametrize("component", ["agent/basic", "agent/assistant"])
def test_an_agent_may_have_a_list_of_its_own(component: str) -> None:
    (question,) = [q for q in trees.catalog()[component].questions if q.name == "model"]
    for model in ("", "demo", "qwen:qwen-max", "openai:gpt-5, ollama:qwen3:8b"):
        assert complete([question], {"model": model}, {}) == {"model": model}
    for model in ('x"', "openai:gpt-5,", "openai:gpt-5,demo", "a:" + "b" * 80):
        with pytest.raises(InvalidAnswer):
            complete([question], {"model": model}, {})


@pytest.mark.parametrize(
    ("models", "extras"),
    [
        (["", "demo"], "anthropic,openai"),
        (["qwen:qwen-max", "groq:llama, gateway/xai:grok"], "anthropic,groq,openai,xai"),
    ],
)
def test_the_package_of_an_agents_own_model_is_installed(models: list[str], extras: str) -> None:
    catalog, made = trees.catalog(), trees.manifest("shop", "minimal")
    agents = [
        wanted_instance(catalog, "agent", f"own-{i}", {"from": "agent/basic", "model": model}, {})
        for i, model in enumerate(models)
    ]
    tree = render(made.with_instances(agents), catalog).tree
    dependencies = tomllib.loads(tree["pyproject.toml"].content.decode())["project"]["dependencies"]
    assert f"pydantic-ai-slim[{extras}]>=2.62,<3" in dependencies


def answers(**given: Any) -> dict[str, Any]:
    """The core's answers for a project called shop."""
    return complete(core_questions(), {"project_name": "shop", **given}, {})
