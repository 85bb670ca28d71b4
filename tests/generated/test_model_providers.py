"""The providers in `copier.yml` are those of Pydantic AI, with the extra that serves each."""

import inspect
import re
from importlib.metadata import metadata

from mai.plugins.core import core_questions
from pydantic_ai.providers import infer_provider_class

QUESTIONS = {question.name: question for question in core_questions()}
PACKAGES = QUESTIONS["provider_packages"].default


def test_every_provider_of_pydantic_ai_can_be_the_default() -> None:
    source = inspect.getsource(infer_provider_class)
    branches = re.findall(r"^ *(?:el)?if provider (?:==|in) (.+):$", source, re.MULTILINE)
    known = {name for branch in branches for name in re.findall(r"'([a-z0-9-]+)'", branch)}
    assert len(known) > 20
    assert known - set(PACKAGES) - NO_CHAT_MODELS == set()
    assert set(PACKAGES) - known == {"lmstudio"}


NO_CHAT_MODELS = {"system-one", "elevenlabs", "sentence-transformers", "voyageai"}


def test_every_package_is_an_extra_and_a_choice() -> None:
    extras = set(metadata("pydantic-ai-slim").get_all("Provides-Extra", []))
    assert set(PACKAGES.values()) <= extras
    assert set(PACKAGES.values()) == set(QUESTIONS["model_providers"].choices.values())
