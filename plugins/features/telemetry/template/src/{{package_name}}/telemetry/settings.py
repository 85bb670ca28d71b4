"""Settings of telemetry. The variables of OpenTelemetry itself hold as its documentation says."""

import os

from dotenv import dotenv_values
from pydantic import AliasChoices, AnyHttpUrl, Field
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class TelemetrySettings(RoomSettings):
    """Who is told, and how much."""

    model_config = SettingsConfigDict(env_prefix="TELEMETRY__")

    otlp_endpoint: AnyHttpUrl | None = Field(
        None,
        validation_alias=AliasChoices(_ENDPOINT),
        description="Send traces and metrics there, by OTLP over HTTP: http://localhost:4318. "
        "Empty: nowhere.",
    )
    include_content: bool = Field(
        False,
        description="Record what models and tools are told and answer, not only that they did.",
    )
    prometheus: bool = Field(True, description="Serve metrics at /metrics.")

    def is_sent(self, signal: str) -> bool:
        """Whether TRACES or METRICS go anywhere, as the variables say that `export` has set."""
        places = (_ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        is_off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        is_otlp = os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp") == "otlp"
        return is_otlp and not is_off and any(map(os.environ.get, places))

    def export(self) -> None:
        """Put OpenTelemetry's variables of `.env` in `os.environ`, which wins: it looks there."""
        own = {_ENDPOINT: self.otlp_endpoint and str(self.otlp_endpoint)}
        for name, value in {**dotenv_values(".env"), **own}.items():
            if value and name.startswith("OTEL_"):
                os.environ.setdefault(name, value)
