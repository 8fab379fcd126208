"""OpenTelemetry for Python services."""
