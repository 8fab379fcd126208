import functools

import opentelemetry.environment_variables as api_variables
import opentelemetry.instrumentation.environment_variables as wrapper_variables
import opentelemetry.sdk.environment_variables as sdk_variables
import pytest

from otel_flow.errors import ConfigError
from otel_flow.names import environment
from otel_flow.settings import Settings
from otel_flow.settings.consistency import KNOWN_VARIABLES
from otel_flow.settings.kinds import ENDLESS
from otel_flow.settings.table import SETTINGS


FLAGS = (
    "OTEL_SDK_DISABLED",
    "OTEL_FLOW_EXCLUDED_DEFAULTS",
    "OTEL_FLOW_ACCESS_LOG",
    "OTEL_FLOW_SERVER_TIMING",
    "OTEL_FLOW_PROCESS_TIME_HEADER",
    "OTEL_FLOW_SQLCOMMENTER",
    "OTEL_FLOW_CELERY_LINK",
    "OTEL_FLOW_CACHE_FROM_REPLIES",
)
COUNTS = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_FLOW_CARDINALITY_LIMIT",
    "OTEL_FLOW_LOG_FILE_BACKUPS",
)
DURATIONS = (
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_FLOW_SHUTDOWN_TIMEOUT",
    "OTEL_FLOW_DETECTOR_TIMEOUT",
    "OTEL_FLOW_SLOW_REQUEST",
    "OTEL_FLOW_SLOW_QUERY",
    "OTEL_FLOW_BLOCKED_LOOP",
)
OTLP = {
    "ENDPOINT": ("http://c:4318/v1/traces", "http://c:4318/v1/traces", "c:4318"),
    "HEADERS": ("A=b%20c,d=e", (("a", "b c"), ("d", "e")), "a"),
    "TIMEOUT": ("2500", 2.5, "-1"),
    "COMPRESSION": ("GZIP", "gzip", "brotli"),
    "CERTIFICATE": (__file__, __file__, "/nowhere/ca.pem"),
    "CLIENT_KEY": (__file__, __file__, "/nowhere/key.pem"),
    "CLIENT_CERTIFICATE": (__file__, __file__, "/nowhere/client.pem"),
    "INSECURE": ("true", True, None),
    "PROTOCOL": ("grpc", "grpc", "http/json"),
}
SAMPLES = {
    **dict.fromkeys(FLAGS, ("True", True, None)),
    **dict.fromkeys(COUNTS, ("17", 17, "-1")),
    **dict.fromkeys(DURATIONS, ("1500", 1.5, "1.5")),
    "OTEL_SERVICE_NAME": ("shop", "shop", "a\x07b"),
    "OTEL_RESOURCE_ATTRIBUTES": ("a=b%2Cc, d = e", {"a": "b,c", "d": "e"}, "a=%zz"),
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": ("otel,process", ("otel", "process"), "abacus"),
    "OTEL_FLOW_INSTANCE_ID": ("uuid", "uuid", "random"),
    "OTEL_TRACES_EXPORTER": ("otlp,console,otlp", ("otlp", "console"), "otlp,none"),
    "OTEL_METRICS_EXPORTER": ("otlp,prometheus", ("otlp", "prometheus"), "zipkin"),
    "OTEL_LOGS_EXPORTER": ("otlp_proto_http", ("otlp_proto_http",), "syslog"),
    "http_proxy": ("proxy:3128", "http://proxy:3128", None),
    "https_proxy": ("http://proxy:3128", "http://proxy:3128", None),
    "all_proxy": ("https://proxy", "https://proxy", None),
    "no_proxy": ("localhost, .internal", ("localhost", ".internal"), None),
    "OTEL_TRACES_SAMPLER": ("Always_Off", "always_off", "sometimes"),
    "OTEL_TRACES_SAMPLER_ARG": ("0.25", "0.25", None),
    "OTEL_FLOW_ROUTE_SAMPLING": ("/a/{b}=0.5,/c%3D=0", {"/a/{b}": 0.5, "/c=": 0.0}, "/a=2"),
    "OTEL_PYTHON_ID_GENERATOR": ("random", "random", "xray"),
    "OTEL_PROPAGATORS": ("b3,tracecontext,b3", ("b3", "tracecontext"), "smoke"),
    "OTEL_FLOW_QUEUE_BYTES": ("1048576", 1048576, "1"),
    "OTEL_FLOW_QUEUE_DROP": ("newest", "newest", "some"),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("DELTA", "delta", "sometimes"),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "base2_exponential_bucket_histogram",
        "base2_exponential_bucket_histogram",
        "exponential",
    ),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_on", "always_on", "on"),
    "OTEL_EXPORTER_PROMETHEUS_HOST": ("0.0.0.0", "0.0.0.0", None),
    "OTEL_FLOW_PROMETHEUS_TOKEN": ("token", "token", None),
    "OTEL_EXPORTER_PROMETHEUS_PORT": ("9000", 9000, "65536"),
    "OTEL_LOG_LEVEL": ("debug", "DEBUG", "loud"),
    "OTEL_FLOW_LOG_FORMAT": ("json", "json", "xml"),
    "OTEL_FLOW_LOG_LEVEL": ("warn", "WARNING", "7"),
    "OTEL_FLOW_LOG_LEVELS": ("a.b=error,c=info", {"a.b": "ERROR", "c": "INFO"}, "a=loud"),
    "OTEL_FLOW_LOG_FILE": ("app.log", "app.log", "/nowhere/app.log"),
    "OTEL_FLOW_LOG_FILE_BYTES": ("2048", 2048, "1"),
    "OTEL_FLOW_LOG_CONTEXT_BAGGAGE": ("tenant, plan", ("tenant", "plan"), None),
    "OTEL_FLOW_REDACTION": ("off", "off", "false"),
    "OTEL_FLOW_REDACTION_MODE": ("drop", "drop", "hash"),
    "OTEL_FLOW_REDACTION_HASH_KEY": ("key", "key", None),
    "OTEL_FLOW_RUNTIME": ("gc,process", ("gc", "process"), "cpu"),
    "OTEL_FLOW_USER_ID": ("raw", "raw", "hash"),
    "OTEL_FLOW_REDACTION_KEYS": ("pin,iban", ("pin", "iban"), None),
    "OTEL_FLOW_REDACTION_SAFE_KEYS": ("token_count", ("token_count",), None),
    "OTEL_FLOW_REDACTION_OPTIONS": ("email,IP", ("email", "ip"), "email,iq"),
    "OTEL_FLOW_REDACTION_PATTERNS": ("staff=E%2C[0-9]{6}", {"staff": "E,[0-9]{6}"}, "staff=("),
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ("redis, celery", ("redis", "celery"), None),
    "OTEL_PYTHON_EXCLUDED_URLS": ("^/ping$,/x", ("^/ping$", "/x"), "("),
    "OTEL_FLOW_REQUEST_ID_HEADERS": ("X-Id,X-Id", ("x-id",), None),
    "OTEL_FLOW_TRUSTED_PROXIES": ("10.0.0.1/8,::1", ("10.0.0.0/8", "::1/128"), "proxy"),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": ("Accept", ("accept",), "("),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": ("X-.*", ("x-.*",), "["),
    "OTEL_FLOW_TRACE_URL_TEMPLATE": ("http://j/{trace_id}", "http://j/{trace_id}", "http://j/"),
}
COMPANIONS = {
    "OTEL_TRACES_SAMPLER_ARG": {"OTEL_TRACES_SAMPLER": "traceidratio"},
    "CLIENT_KEY": {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": __file__},
    "INSECURE": {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
    },
}
"""What else must be set for a sample to mean something."""


def option(variable: str) -> str | None:
    head, _, tail = variable.partition("_OTLP_")
    name = tail.removeprefix("TRACES_").removeprefix("METRICS_").removeprefix("LOGS_")
    return name if head == "OTEL_EXPORTER" and name in OTLP else None


def sample(variable: str) -> tuple[str, object, str | None]:
    return OTLP[name] if (name := option(variable)) else SAMPLES[variable]


def read(setting, text):
    companions = COMPANIONS.get(option(setting.variable) or setting.variable, {})
    settings = Settings.from_environ({**companions, setting.variable: text})
    return settings, functools.reduce(getattr, setting.field.split("."), settings)


WITH_VARIABLE = [setting for setting in SETTINGS if setting.variable]
WITH_WRONG = [setting for setting in WITH_VARIABLE if sample(setting.variable)[2] is not None]


def by_field(setting) -> str:
    return setting.field


@pytest.mark.parametrize("setting", WITH_VARIABLE, ids=by_field)
def test_valid(setting):
    """Every variable of the table fills its field, and the source names the variable."""
    text, expected, _ = sample(setting.variable)

    settings, value = read(setting, f" {text} ")

    assert value == expected
    assert settings.sources[setting.field] == setting.variable
    assert settings.warnings == ()


@pytest.mark.parametrize("setting", WITH_WRONG, ids=by_field)
def test_wrong(setting):
    """A wrong value of any variable is one problem that names the variable."""
    wrong = sample(setting.variable)[2]

    with pytest.raises(ConfigError) as caught:
        read(setting, wrong)

    assert [problem.name for problem in caught.value.problems] == [setting.variable]


@pytest.mark.parametrize("setting", WITH_VARIABLE, ids=by_field)
def test_empty_is_unset(setting):
    """An empty variable counts as unset, as the specification has it."""
    settings = Settings.from_environ({setting.variable: ""})

    assert settings == Settings()
    assert settings.sources[setting.field] == "default"


def test_no_environment_is_the_defaults():
    """Without variables and keywords, everything has its default and comes without a warning."""
    settings = Settings.from_environ({})

    assert settings == Settings()
    assert settings.warnings == ()
    assert set(settings.sources.values()) == {"default"}


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("text", ["yes", "1", "on", "wahr"])
def test_doubtful_flag(name, text):
    """A boolean that is neither true nor false counts as false, with a warning."""
    settings = Settings.from_environ({name: text})

    assert settings.warnings == (f"{name}={text} is neither true nor false and counts as false",)


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_METRIC_EXPORT_TIMEOUT"])
def test_zero_timeout_is_endless(name):
    """A timeout of 0 is endless, as the specification has it."""
    settings = Settings.from_environ({name: "0"})

    assert ENDLESS in {settings.otlp_traces.timeout, settings.metric_timeout}


@pytest.mark.parametrize("name", environment.REFUSED)
def test_configuration_file_is_refused(name):
    """A declarative configuration file is refused, never half-honoured."""
    with pytest.raises(ConfigError, match="does not read one yet"):
        Settings.from_environ({name: "otel.yaml"})


@pytest.mark.parametrize("name", environment.WITHOUT_EFFECT)
def test_variable_without_effect(name):
    """A variable of the specification that we do not honour gives a warning with the reason."""
    settings = Settings.from_environ({name: "x"})

    assert len(settings.warnings) == 1
    assert settings.warnings[0].startswith(f"{name} ")


@pytest.mark.parametrize("name", environment.PASSED_THROUGH)
def test_variable_of_others(name):
    """Variables that the wrapper or contrib reads are known and pass in silence."""
    assert Settings.from_environ({name: "x"}).warnings == ()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("OTEL_FLOW_LOG_FROMAT", "; did you mean OTEL_FLOW_LOG_FORMAT?"),
        ("OTEL_FLOW_XYZZY_PLUGH_QUUX", ""),
        ("OTEL_EXPORTER_OTLP_ENDPONT", "; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?"),
    ],
)
def test_unknown_name(name, hint):
    """An unknown name of ours, or one that nearly is a known one, gives a warning."""
    assert Settings.from_environ({name: "x"}).warnings == (f"{name} is not known{hint}",)


def test_name_of_someone_else():
    """An OTEL name that is far from every known one is someone else's."""
    assert Settings.from_environ({"OTEL_DOTNET_AUTO_HOME": "x", "PATH": "y"}).warnings == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("logging", "obsolete"),
        ("foo", "one of otlp, console, prometheus, none"),
    ],
)
def test_refused_exporter(text, reason):
    """An exporter that is not there is refused with a reason or the known names."""
    with pytest.raises(ConfigError, match=reason):
        Settings.from_environ({"OTEL_METRICS_EXPORTER": text})


@pytest.mark.parametrize(
    ("name", "package"),
    [("jaeger", "jaeger"), ("xray", "aws-xray"), ("ottrace", "ot-trace")],
)
def test_propagator_in_a_package_of_its_own(name, package):
    """A propagator whose package is missing is a problem with the pip command."""
    with pytest.raises(ConfigError, match=f'pip install "opentelemetry-propagator-{package}"'):
        Settings.from_environ({"OTEL_PROPAGATORS": f"tracecontext,{name}"})


def test_all_problems_at_once():
    """Everything that is wrong is reported at once, each with its name, value and expectation."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ(
            {"OTEL_BSP_SCHEDULE_DELAY": "-5", "OTEL_TRACES_SAMPLER": "dice"}, service_name=3
        )

    problems = {problem.name: problem for problem in caught.value.problems}
    assert problems.keys() == {
        "service_name",
        "OTEL_TRACES_SAMPLER",
        "OTEL_BSP_SCHEDULE_DELAY",
    }
    assert problems["OTEL_BSP_SCHEDULE_DELAY"].value == "-5"
    assert "milliseconds" in problems["OTEL_BSP_SCHEDULE_DELAY"].expected


def test_shared_variable_is_one_problem():
    """A variable that three signals share is reported once."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"})

    assert len(caught.value.problems) == 1


def test_overridden_variable_is_checked():
    """A wrong common value is a problem also where every signal has its own."""
    own = {f"OTEL_EXPORTER_OTLP_{name}_TIMEOUT": "1" for name in ("TRACES", "METRICS", "LOGS")}

    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_TIMEOUT=soon"):
        Settings.from_environ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon", **own})


def test_disabled_switches_problems_off():
    """OTEL_SDK_DISABLED=true works whatever else is wrong; problems become warnings."""
    settings = Settings.from_environ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "dice"})

    assert settings.sdk_disabled
    assert "OTEL_TRACES_SAMPLER=dice" in settings.warnings[0]


def test_control_characters_do_not_reach_the_message():
    """A value cannot break the lines of the message, nor make it endless."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({"OTEL_TRACES_SAMPLER": "a\nb\x1b[31m" + "c" * 1000})

    value = caught.value.problems[0].value
    assert value.startswith("a\\nb\\x1b[31m")
    assert len(value) < 300


def test_general_limits_reach_the_specific_ones():
    """The general attribute limits apply where no specific one is set."""
    settings = Settings.from_environ(
        {
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "7",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "9",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0",
        }
    )

    assert settings.limits.span_attribute_count == 9
    assert settings.limits.event_attribute_count == 7
    assert settings.limits.log_attribute_count == 7
    assert settings.limits.log_attribute_value_length == 0
    assert settings.limits.event_count == 128


def test_every_variable_has_one_kind():
    """A variable that several settings read means the same to each."""
    kinds = {}
    for setting in SETTINGS:
        for name in setting.variables:
            assert kinds.setdefault(name, setting.kind) == setting.kind


def test_every_name_of_the_sdk_is_known():
    """Every OTEL_ variable that the API, the SDK and the wrapper document means something here."""
    modules = (api_variables, sdk_variables, wrapper_variables)
    names = {name for module in modules for name in dir(module) if name.startswith("OTEL_")}

    assert names - KNOWN_VARIABLES == set()
