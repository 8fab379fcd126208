"""`otel-flow demo` and `otel-flow tail`: an example shop under load, and the view of what arrives."""
