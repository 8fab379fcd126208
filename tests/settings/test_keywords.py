import dataclasses
import inspect
import pickle

import pytest

import otel_flow

from otel_flow.errors import ConfigError
from otel_flow.redaction import RedactionKeywords
from otel_flow.settings import BatchSettings, LimitSettings, Settings
from otel_flow.settings.keywords import FurtherKeywords, SettingKeywords, UsualKeywords
from otel_flow.settings.table import COMMON


def test_keyword_wins_over_variable():
    """A keyword wins over the variable, the variable over the default."""
    environ = {"OTEL_SERVICE_NAME": "variable", "OTEL_FLOW_LOG_FORMAT": "json"}

    settings = Settings.from_environ(environ, service_name="keyword")

    assert settings.service_name == "keyword"
    assert settings.sources["service_name"] == "keyword"
    assert settings.log_format == "json"
    assert settings.sources["log_format"] == "OTEL_FLOW_LOG_FORMAT"


def test_every_setting_has_a_typed_keyword():
    """What can be set by a variable, or in a group, can be set by a keyword that has a type."""
    fields = {field.name for field in dataclasses.fields(Settings)} - {"sources", "warnings"}
    common = {setting.keyword or setting.field for setting in COMMON}
    typed = set(SettingKeywords.__annotations__)

    assert typed == fields | common
    by_name = set(inspect.signature(otel_flow.configure).parameters)
    redaction = {f"redaction_{key}" for key in RedactionKeywords.__annotations__} | {"redaction"}
    assert set(UsualKeywords.__annotations__) <= by_name
    assert typed == {*UsualKeywords.__annotations__, *FurtherKeywords.__annotations__, *redaction}


def test_every_setting_is_a_keyword_of_configure():
    """`configure` hands every keyword on, and a wrong one is reported beside the others."""
    keywords = {
        name: getattr(Settings(), name)
        for name in FurtherKeywords.__annotations__
        if getattr(Settings(), name, None) is not None
    }
    with otel_flow.configure(**{**keywords, "sdk_disabled": True}) as telemetry:
        sources = telemetry.settings.sources

    by_variable = {name for name in keywords if sources.get(name, "keyword") != "keyword"}
    assert by_variable == set()
    with pytest.raises(ConfigError) as caught:
        otel_flow.configure(route_sampling={"/a": 2}, slow_query="1", service_name="")
    assert [problem.name for problem in caught.value.problems] == [
        "service_name",
        "route_sampling",
        "slow_query",
    ]


def test_keyword_of_none_is_not_given():
    """None as a keyword leaves the decision to the variable."""
    assert Settings.from_environ({"OTEL_SERVICE_NAME": "a"}, service_name=None).service_name == "a"


def test_unknown_keyword():
    """A keyword that does not exist is a TypeError that names it."""
    with pytest.raises(TypeError, match="servicename"):
        Settings.from_environ({}, servicename="shop")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("service_name", ""),
        ("service_name", 5),
        ("access_log", "true"),
        ("cardinality_limit", 0),
        ("cardinality_limit", True),
        ("cardinality_limit", "9"),
        ("shutdown_timeout", -1),
        ("shutdown_timeout", float("nan")),
        ("shutdown_timeout", "5"),
        ("metric_interval", 0),
        ("log_format", "xml"),
        ("log_format", 1),
        ("log_levels", {"a": "loud"}),
        ("log_levels", "a=info,b"),
        ("traces_exporters", ["otlp", 1]),
        ("traces_exporters", 1),
        ("headers", [("a", "b", "c")]),
        ("headers", "a=b"),
        ("headers", {"a b": "c"}),
        ("headers", {"a": "b\r\nc"}),
        ("resource_attributes", {"a": 1}),
        ("resource_attributes", "a=b"),
        ("resource_attributes", {"a": "\udc80"}),
        ("span_batch", BatchSettings(schedule_delay=-1)),
        ("limits", LimitSettings(event_count=-1)),
        ("certificate", "/nowhere/ca.pem"),
        ("sampler", "dice"),
        ("otlp_logs", "http://c"),
        ("span_batch", LimitSettings()),
        ("proxies", {"http": "p"}),
    ],
)
def test_wrong_keyword(keyword, value):
    """A keyword is checked as its variable is: type and range, in one problem."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({}, **{keyword: value})

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].name.startswith(keyword)


def test_keywords_of_other_shapes():
    """Lists, mappings and text as in the variable are taken and made read-only."""
    settings = Settings.from_environ(
        {},
        traces_exporters="otlp,console",
        headers={"X-Key": "1"},
        log_levels={"a": "warn"},
        excluded_urls=["/a", "/b"],
    )

    assert settings.traces_exporters == ("otlp", "console")
    assert settings.otlp_logs.headers == (("x-key", "1"),)
    assert settings.log_levels == {"a": "WARNING"}
    assert settings.excluded_urls == ("/a", "/b")


def test_batch_keyword_keeps_unset_sizes():
    """A size of None inside a group stays unset."""
    settings = Settings.from_environ({}, log_batch=BatchSettings(schedule_delay=0.2))

    assert settings.log_batch == BatchSettings(schedule_delay=0.2)
    assert settings.log_batch.max_queue_size is None


def test_batch_larger_than_its_queue():
    """A batch cannot be larger than its queue."""
    with pytest.raises(ConfigError, match="at most the size of the queue, 10"):
        Settings.from_environ(
            {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "11"}
        )


def test_hash_needs_a_key():
    """Redaction by hash needs a key."""
    with pytest.raises(ConfigError, match="OTEL_FLOW_REDACTION_HASH_KEY"):
        Settings.from_environ({}, redaction_mode="hash")

    settings = Settings.from_environ({}, redaction_mode="hash", redaction_hash_key="k")
    assert settings.redaction_hash_key == "k"


@pytest.mark.parametrize("argument", ["1.5", "-0.1", "nan", "many"])
@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_sampler_argument_out_of_range(sampler, argument):
    """The argument of a ratio sampler lies between 0 and 1."""
    with pytest.raises(ConfigError, match=r"OTEL_TRACES_SAMPLER_ARG=.*from 0 to 1"):
        Settings.from_environ({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})


def test_sampler_argument_without_use():
    """An argument that the sampler does not take gives a warning."""
    settings = Settings.from_environ({"OTEL_TRACES_SAMPLER_ARG": "0.5"})

    assert "takes no argument" in settings.warnings[0]


@pytest.mark.parametrize("shares", ["/a", "a=0.5", "/a=much", "/a=nan"])
def test_wrong_shares_of_routes(shares):
    """Routes begin with a slash, and their shares lie between 0 and 1."""
    with pytest.raises(ConfigError, match=r"a share from 0 to 1|a list like"):
        Settings.from_environ({"OTEL_FLOW_ROUTE_SAMPLING": shares})


@pytest.mark.parametrize("shares", [{"/a": True}, {"/a": "0.5"}, {1: 0.5}, 0.5])
def test_wrong_shares_of_routes_as_a_keyword(shares):
    """A mapping from routes to numbers is what the keyword takes."""
    with pytest.raises(ConfigError, match="a share from 0 to 1"):
        Settings.from_environ({}, route_sampling=shares)


def test_shares_of_routes_with_a_sampler_that_does_not_follow_the_parent():
    """What would leave out requests but keep their children gives a warning."""
    settings = Settings.from_environ({}, route_sampling={"/a": 0}, sampler="always_on")

    assert "use parentbased_always_on" in settings.warnings[0]


def test_differences():
    """The fields that differ are named, in order; where values came from does not count."""
    one = Settings.from_environ({"OTEL_SERVICE_NAME": "a"})
    other = Settings.from_environ({"OTEL_BSP_SCHEDULE_DELAY": "1"}, service_name="b")

    assert one.differences(other) == ("service_name", "span_batch")
    assert one.differences(Settings.from_environ({}, service_name="a")) == ()


def test_frozen():
    """Settings and the mappings in them cannot be changed."""
    settings = Settings.from_environ({}, resource_attributes={"a": "b"})

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.service_name = "x"
    with pytest.raises(TypeError):
        settings.resource_attributes["a"] = "c"


def test_caller_keeps_its_mapping():
    """A mapping that the caller changes later does not change the settings."""
    attributes = {"a": "b"}
    settings = Settings.from_environ({}, resource_attributes=attributes)
    attributes["a"] = "c"

    assert settings.resource_attributes == {"a": "b"}


def test_hash_agrees_with_equality():
    """Equal settings have equal hashes."""
    one = Settings.from_environ({"OTEL_SERVICE_NAME": "a"})
    other = Settings.from_environ({}, service_name="a")

    assert one == other
    assert hash(one) == hash(other)


def test_groups_can_be_pickled():
    """The groups travel to a spawned process."""
    batch = Settings().span_batch

    assert pickle.loads(pickle.dumps(batch)) == batch


def test_resource_attributes_of_keyword_and_variable_merge():
    """Attributes of the keyword win one by one; those of the variable stay."""
    settings = Settings.from_environ(
        {"OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2"}, resource_attributes={"b": "3"}
    )

    assert settings.resource_attributes == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("environ", "keywords", "expected"),
    [
        ({}, {}, None),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=attribute"}, {}, "attribute"),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=attribute", "OTEL_SERVICE_NAME": "own"},
            {},
            "own",
        ),
        (
            {"OTEL_SERVICE_NAME": "own"},
            {"resource_attributes": {"service.name": "keyword attribute"}},
            "keyword attribute",
        ),
        (
            {"OTEL_SERVICE_NAME": "own"},
            {"resource_attributes": {"service.name": "x"}, "service_name": "keyword"},
            "keyword",
        ),
    ],
)
def test_service_name(environ, keywords, expected):
    """Keyword, attribute of the keyword, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES: in this order."""
    assert Settings.from_environ(environ, **keywords).service_name == expected


def test_names_from_attributes():
    """Version, namespace and environment come from the resource attributes, with their source."""
    settings = Settings.from_environ(
        {
            "OTEL_RESOURCE_ATTRIBUTES": "service.version=2,service.namespace=n,"
            "deployment.environment.name=prod"
        }
    )

    assert settings.service_version == "2"
    assert settings.service_namespace == "n"
    assert settings.environment == "prod"
    assert settings.sources["environment"] == "OTEL_RESOURCE_ATTRIBUTES"


def test_platform_attributes():
    """The variables of the downward API become attributes, the specific name first."""
    settings = Settings.from_environ(
        {
            "KUBERNETES_SERVICE_HOST": "10.0.0.1",
            "POD_NAME": "generic",
            "K8S_POD_NAME": "shop-1",
            "NODE_NAME": "n1",
            "POD_IP": "",
        }
    )

    assert settings.platform_attributes == {"k8s.node.name": "n1", "k8s.pod.name": "shop-1"}
    assert settings.sources["platform_attributes"] == "NODE_NAME, K8S_POD_NAME"


def test_platform_variables_of_others():
    """Outside of a cluster, NODE_NAME and the like are anybody's; K8S_ names are not."""
    environ = {"NODE_NAME": "jenkins", "CONTAINER_NAME": "build", "K8S_NODE_NAME": ""}

    assert Settings.from_environ(environ).platform_attributes == {}
    assert Settings.from_environ({**environ, "K8S_NODE_NAME": "n1"}).platform_attributes == {
        "k8s.node.name": "n1"
    }


def test_platform_attributes_of_a_keyword():
    """Platform attributes given as keyword replace what the variables say."""
    settings = Settings.from_environ(
        {"K8S_NODE_NAME": "n1"}, platform_attributes={"cloud.region": "here"}
    )

    assert settings.platform_attributes == {"cloud.region": "here"}
