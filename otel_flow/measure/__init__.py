"""Measuring an application's own code: decorators, operations, events, money, users, audits."""

from otel_flow.measure.audit import audit
from otel_flow.measure.cache import Cache, cache
from otel_flow.measure.carry import carried
from otel_flow.measure.count import counted
from otel_flow.measure.duration import timed
from otel_flow.measure.event import event
from otel_flow.measure.gauge import gauge
from otel_flow.measure.money import count_money, minor_units
from otel_flow.measure.operation import Operation, timed_operation
from otel_flow.measure.prediction import Prediction, loaded_model, prediction
from otel_flow.measure.span import traced
from otel_flow.measure.user import user


__all__ = [
    "Cache",
    "Operation",
    "Prediction",
    "audit",
    "cache",
    "carried",
    "count_money",
    "counted",
    "event",
    "gauge",
    "loaded_model",
    "minor_units",
    "prediction",
    "timed",
    "timed_operation",
    "traced",
    "user",
]
