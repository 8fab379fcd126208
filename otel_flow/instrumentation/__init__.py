"""Instrumentation: one module a library, each with its undo."""
