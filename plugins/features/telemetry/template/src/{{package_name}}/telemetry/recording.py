"""Has requests, agents, models and tools recorded while the service runs, if anybody wants to know.

FastAPI and Pydantic AI record by themselves as soon as OpenTelemetry has providers. A process has
one of each kind, made when it is first needed; a service adds to them what sends on.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TypeAlias

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from pydantic_ai import Agent, InstrumentationSettings

from .. import NAME, __version__
from ..core.services import Services
from ..core.settings import get_settings
from .gauges import live_runs_counted
from .settings import TelemetrySettings

Sender: TypeAlias = BatchSpanProcessor | PeriodicExportingMetricReader

PROBES = frozenset({"/health", "/metrics"})
"""Paths that machines ask all day long, of which no trace is made."""


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Record while the service runs; what is not sent yet at the end is sent then."""
    settings = services.get(TelemetrySettings)
    settings.export()
    senders = _senders(settings)
    if settings.prometheus:
        _show_prometheus()
    if senders or settings.prometheus:
        Agent.instrument_all(_instrumentation(settings))
    try:
        with live_runs_counted(services):
            yield
    finally:
        Agent.instrument_all(False)
        await asyncio.gather(*(asyncio.to_thread(sender.shutdown) for sender in senders))


def _senders(settings: TelemetrySettings) -> list[Sender]:
    """What sends traces and metrics over OTLP, as far as they have somewhere to go."""
    senders: list[Sender] = []
    if settings.is_sent("TRACES"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        processor = BatchSpanProcessor(OTLPSpanExporter())
        _tracer_provider().add_span_processor(processor)
        senders.append(processor)
    if settings.is_sent("METRICS"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        _meter_provider().add_metric_reader(reader)
        senders.append(reader)
    return senders


@cache
def _show_prometheus() -> None:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    _meter_provider().add_metric_reader(PrometheusMetricReader(scope_info_enabled=False))


def _instrumentation(settings: TelemetrySettings) -> InstrumentationSettings:
    return InstrumentationSettings(
        include_content=settings.include_content,
        include_binary_content=settings.include_content,
        include_model_request_parameters=settings.include_content,
    )


@cache
def _tracer_provider() -> TracerProvider:
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.sampler = _WithoutProbes(provider.sampler)
    trace.set_tracer_provider(provider)
    return provider


@cache
def _meter_provider() -> MeterProvider:
    provider = MeterProvider(resource=_resource(), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider


def _resource() -> Resource:
    """What this process is called, where OpenTelemetry's variables say nothing else."""
    own = {
        "service.name": NAME,
        "service.version": __version__,
        "deployment.environment.name": get_settings().environment,
    }
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})


class _WithoutProbes(Sampler):
    """Drops the traces of probes and leaves all else to the sampler that the variables name."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if attributes and attributes.get("url.path") in PROBES:
            return SamplingResult(Decision.DROP)
        return self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return f"{self._sampler.get_description()}, but for probes"
