"""Settings of the models: which one answers, and how its provider is reached."""

from pydantic import AliasChoices, Field, SecretStr

from ..core.settings import RoomSettings


class LlmSettings(RoomSettings):
    """Which model answers, and the keys of the providers that most projects use.

    Any other variable that a provider of Pydantic AI reads (`GROQ_API_KEY`,
    `AZURE_OPENAI_ENDPOINT`, …) may stand in the environment or in `.env` as well.
    """

    default_model: str = Field(
        "demo",
        min_length=1,
        description="Answers for every agent that names no model: an id of Pydantic AI "
        "(openai:gpt-5), lmstudio:NAME, lmstudio:auto, or demo, which is offline.",
    )
    openai_api_key: SecretStr | None = Field(None, description="For openai: models.")
    anthropic_api_key: SecretStr | None = Field(None, description="For anthropic: models.")
    deepseek_api_key: SecretStr | None = Field(None, description="For deepseek: models.")
    qwen_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("QWEN_API_KEY", "ALIBABA_API_KEY", "DASHSCOPE_API_KEY"),
        description="For alibaba: models, which are the Qwen family.",
    )
    ollama_base_url: str = Field(
        "http://localhost:11434/v1", description="Where Ollama listens, for ollama: models."
    )
    lm_studio_base_url: str = Field(
        "http://localhost:1234/v1",
        validation_alias=AliasChoices("LM_STUDIO__BASE_URL", "LM_STUDIO_BASE_URL"),
        description="Where LM Studio listens, for lmstudio: models.",
    )
    gather_window_s: float = Field(
        0.05,
        ge=0,
        le=10,
        validation_alias=AliasChoices("LLM__GATHER_WINDOW_S"),
        description="Streamed text arrives at most this often, in seconds; 0 passes every piece.",
    )
