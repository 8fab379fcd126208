"""The log chain: one line on stdout and one OTLP record for every event, whoever writes it."""

from otel_flow.log_chain.chain import LogChain, build_log_chain
from otel_flow.log_chain.standard import reattach


__all__ = ["LogChain", "build_log_chain", "reattach"]
