"""Names of what an application measures of its own code, by `otel_flow.measure`."""

from __future__ import annotations

from otel_flow.names.model import Attribute, Event, Metric, Span


FUNCTION = Attribute(
    name="code.function.name", type="string", brief="Module and qualified name of the function."
)
ERROR_TYPE = Attribute(
    name="error.type", type="string", brief="The exception's class; absent on success."
)
OPERATION = Attribute(
    name="otel_flow.operation.name",
    type="string",
    brief="What `timed_operation` was called with.",
    stability="otel_flow",
)
MODEL = Attribute(
    name="otel_flow.ml.model.name",
    type="string",
    brief="The model that predicted.",
    stability="otel_flow",
)
MODEL_VERSION = Attribute(
    name="otel_flow.ml.model.version",
    type="string",
    brief="The version of that model.",
    stability="otel_flow",
)
PIPELINE = Attribute(
    name="otel_flow.ml.pipeline",
    type="string",
    brief="The pipeline that the prediction belongs to.",
    stability="otel_flow",
)
CONFIDENCE = Attribute(
    name="otel_flow.ml.prediction.confidence",
    type="double",
    brief="How sure the model was, from 0 to 1, on spans.",
    stability="otel_flow",
)
FALLBACK_USED = Attribute(
    name="otel_flow.fallback.used",
    type="boolean",
    brief="Another way than the first one gave the result.",
    stability="otel_flow",
)
FALLBACK_STRATEGY = Attribute(
    name="otel_flow.fallback.strategy",
    type="string",
    brief="What was done instead.",
    stability="otel_flow",
)
FALLBACK_REASON = Attribute(
    name="otel_flow.fallback.reason",
    type="string",
    brief="Why: flag_off, circuit_open, timeout or the exception's class.",
    stability="otel_flow",
)
FEATURE = Attribute(
    name="otel_flow.feature.name",
    type="string",
    brief="The feature or model that fell back.",
    stability="otel_flow",
)
CURRENCY = Attribute(
    name="otel_flow.currency",
    type="string",
    brief="ISO 4217 code of the amount.",
    stability="otel_flow",
)
USER_ID = Attribute(
    name="user.id",
    type="string",
    brief="The user, as the application names them; spans and logs only.",
    stability="development",
)
USER_HASH = Attribute(
    name="user.hash",
    type="string",
    brief="HMAC-SHA-256 of the user's id; spans and logs only.",
    stability="development",
)
AUDIT_OUTCOME = Attribute(
    name="otel_flow.audit.outcome",
    type="string",
    brief="success, failure or denied.",
    stability="otel_flow",
)
AUDIT_ACTOR = Attribute(
    name="otel_flow.audit.actor",
    type="string",
    brief="Who acted.",
    stability="otel_flow",
)
AUDIT_TARGET = Attribute(
    name="otel_flow.audit.target",
    type="string",
    brief="What was acted upon.",
    stability="otel_flow",
)

LONG_BUCKETS = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bucket bounds of operations that may take minutes, in seconds."""

CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

FUNCTION_DURATION = Metric(
    name="otel_flow.function.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of functions decorated with `timed`.",
    attributes=(FUNCTION, ERROR_TYPE),
    buckets=LONG_BUCKETS,
    stability="otel_flow",
)
FUNCTION_CALLS = Metric(
    name="otel_flow.function.calls",
    unit="{call}",
    instrument="counter",
    brief="Calls of functions decorated with `counted`.",
    attributes=(FUNCTION, ERROR_TYPE),
    stability="otel_flow",
)
OPERATION_DURATION = Metric(
    name="otel_flow.operation.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of blocks under `timed_operation`.",
    attributes=(OPERATION, ERROR_TYPE),
    buckets=LONG_BUCKETS,
    stability="otel_flow",
)
INFERENCE_DURATION = Metric(
    name="otel_flow.ml.inference.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of predictions.",
    attributes=(MODEL, MODEL_VERSION, PIPELINE, FALLBACK_USED, ERROR_TYPE),
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
    stability="otel_flow",
)
PREDICTION_CONFIDENCE = Metric(
    name="otel_flow.ml.prediction.confidence",
    unit="1",
    instrument="histogram",
    brief="How sure models were of their predictions, from 0 to 1.",
    attributes=(MODEL, MODEL_VERSION, PIPELINE),
    buckets=CONFIDENCE_BUCKETS,
    stability="otel_flow",
)
MODEL_COUNT = Metric(
    name="otel_flow.ml.model.count",
    unit="{model}",
    instrument="updowncounter",
    brief="Models that are loaded.",
    attributes=(MODEL, MODEL_VERSION),
    observed=True,
    stability="otel_flow",
)
FALLBACK_EXECUTIONS = Metric(
    name="otel_flow.fallback.executions",
    unit="{execution}",
    instrument="counter",
    brief="Times that something else than the first way gave the result.",
    attributes=(FEATURE, FALLBACK_STRATEGY, FALLBACK_REASON),
    stability="otel_flow",
)

AUDIT_SCOPE = "otel_flow.audit"
"""The instrumentation scope of audit records, by which the Collector keeps them apart."""

AUDIT = Event(
    name="otel_flow.audit",
    severity="INFO",
    brief="Someone did something that has to be accounted for; the event's text is the action.",
    attributes=(AUDIT_ACTOR, AUDIT_TARGET, AUDIT_OUTCOME),
)

FUNCTION_CALL = Span(
    name="{code.function.name}",
    kind="INTERNAL",
    brief="A call of a function decorated with `traced`, or the name that it was given.",
    attributes=(FUNCTION, ERROR_TYPE),
    stability="otel_flow",
)
TIMED_OPERATION = Span(
    name="{otel_flow.operation.name}",
    kind="INTERNAL",
    brief="A block under `timed_operation`.",
    attributes=(OPERATION, ERROR_TYPE),
    stability="otel_flow",
)
PREDICTION = Span(
    name="predict {otel_flow.ml.model.name}",
    kind="INTERNAL",
    brief="A prediction.",
    attributes=(
        MODEL,
        MODEL_VERSION,
        PIPELINE,
        CONFIDENCE,
        FALLBACK_USED,
        FALLBACK_STRATEGY,
        FALLBACK_REASON,
        ERROR_TYPE,
    ),
    stability="otel_flow",
)

SPANS = (FUNCTION_CALL, TIMED_OPERATION, PREDICTION)
METRICS = (
    FUNCTION_DURATION,
    FUNCTION_CALLS,
    OPERATION_DURATION,
    INFERENCE_DURATION,
    PREDICTION_CONFIDENCE,
    MODEL_COUNT,
    FALLBACK_EXECUTIONS,
)
EVENTS = (AUDIT,)
