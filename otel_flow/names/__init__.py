"""Every metric, attribute, event and variable name that otel-flow ships, one module a domain."""
