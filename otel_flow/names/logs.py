"""Attributes of log records (semantic conventions: exceptions and code)."""

from __future__ import annotations

from otel_flow.names.model import Attribute


REQUEST_ID = Attribute(
    name="request_id",
    type="string",
    brief="The id that came with the request, otherwise its trace id.",
    stability="otel_flow",
)
EXCEPTION_TYPE = Attribute(name="exception.type", type="string", brief="The exception's class.")
EXCEPTION_MESSAGE = Attribute(name="exception.message", type="string", brief="What it says.")
EXCEPTION_STACKTRACE = Attribute(
    name="exception.stacktrace", type="string", brief="How it came there."
)
FILE_PATH = Attribute(name="code.file.path", type="string", brief="The file that wrote the event.")
FUNCTION_NAME = Attribute(
    name="code.function.name", type="string", brief="The function that wrote it."
)
LINE_NUMBER = Attribute(name="code.line.number", type="int", brief="The line that wrote it.")
STACKTRACE = Attribute(
    name="code.stacktrace", type="string", brief="The stack, where an event asks for it."
)
THREAD_NAME = Attribute(
    name="thread.name",
    type="string",
    brief="The thread that ended with an exception.",
    stability="development",
)
PROCESS_NAME = Attribute(
    name="otel_flow.process.name",
    type="string",
    brief="The process of multiprocessing that ended with an exception.",
    stability="otel_flow",
)
WARNING_CATEGORY = Attribute(
    name="otel_flow.warning.category",
    type="string",
    brief="The class of a warning of Python's.",
    stability="otel_flow",
)
FAILURE = Attribute(
    name="otel_flow.log.failure",
    type="string",
    brief="The class of the error for which nothing but the text of an event is left.",
    stability="otel_flow",
)

ATTRIBUTES = (
    REQUEST_ID,
    EXCEPTION_TYPE,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    FILE_PATH,
    FUNCTION_NAME,
    LINE_NUMBER,
    STACKTRACE,
    THREAD_NAME,
    PROCESS_NAME,
    WARNING_CATEGORY,
    FAILURE,
)
"""What records hold beside the keys of their event and the bound context."""
