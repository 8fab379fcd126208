"""Settings: the only place that reads the environment."""

from otel_flow.settings.groups import BatchSettings, LimitSettings, OtlpSettings
from otel_flow.settings.model import Settings
from otel_flow.settings.proxies import ProxySettings


__all__ = ["BatchSettings", "LimitSettings", "OtlpSettings", "ProxySettings", "Settings"]
