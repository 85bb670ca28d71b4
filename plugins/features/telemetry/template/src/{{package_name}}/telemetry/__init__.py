"""I know how to tell others what the service does: traces and metrics of OpenTelemetry."""

from ..core.modules import AppModule

module = AppModule(
    name="telemetry",
    router=".routes:build_router",
    lifespan=".recording:lifespan",
    settings=".settings:TelemetrySettings",
    prefix="",
)
