"""The straightforward server with the gathering of a project, and still nothing stored: the least
that a run can cost with these libraries."""

import os
from importlib import import_module

from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.bench.serve import straightforward

client = import_module("shop.llm.gathering").gathering_client(0.05)
provider = OpenAIProvider(base_url=os.environ["MODEL_URL"], api_key="none", http_client=client)
straightforward.agent.model = OpenAIChatModel("bench", provider=provider)
app = straightforward.app
