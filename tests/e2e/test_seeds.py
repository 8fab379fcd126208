"""Each metric that the five seeds built by hand has a series that answers it in Prometheus."""

import contextlib
import os
import subprocess
import sys

from pathlib import Path

import pytest

from tests.e2e.conftest import BIN, SECONDS
from tests.stack.query import poll_until, prometheus_samples


pytestmark = [pytest.mark.stack, pytest.mark.services]

ANSWERS = {
    "http_requests_total{method,endpoint,status}": 'http_server_request_duration_seconds_count{%,http_request_method="POST",http_route="/items/{item_id}",http_response_status_code="200"}',
    "http_request_duration_seconds": 'histogram_quantile(0.95, http_server_request_duration_seconds_bucket{%,http_route="/items/{item_id}"})',
    "http_requests_in_progress, active connections": "http_server_active_requests{%}",
    "http_request_size_bytes": "http_server_request_body_size_bytes_sum{%}",
    "http_response_size_bytes": "http_server_response_body_size_bytes_sum{%}",
    "slow requests": 'http_server_request_duration_seconds_count{%} - ignoring(le) http_server_request_duration_seconds_bucket{%,le="2.5"}',
    "database_queries_total{operation,table}": 'db_client_operation_duration_seconds_count{%,db_system_name="sqlite",db_operation_name="INSERT",db_collection_name="items"}',
    "database_query_duration_seconds": 'db_client_operation_duration_seconds_bucket{%,db_query_summary="SELECT items",le="0.5"}',
    "database_connections_active": 'db_client_connection_count{%,db_client_connection_state="used"}',
    "database_connections_idle": 'db_client_connection_count{%,db_client_connection_state="idle"}',
    "db_connection_pool_size": "db_client_connection_max{%}",
    "redis_operations_total": 'db_client_operation_duration_seconds_count{%,db_system_name="redis",db_operation_name="GET"}',
    "redis_operation_duration_seconds": 'db_client_operation_duration_seconds_bucket{%,db_system_name="redis",le="0.5"}',
    "redis_cache_hits_total": 'otel_flow_cache_requests_total{%,otel_flow_cache_name="products",otel_flow_cache_operation="get",otel_flow_cache_result="hit"}',
    "redis_cache_misses_total": 'otel_flow_cache_requests_total{%,otel_flow_cache_result="miss"}',
    "ml_cache_hit_rate": 'sum(otel_flow_cache_requests_total{%,otel_flow_cache_result="hit"}) / sum(otel_flow_cache_requests_total{%,otel_flow_cache_operation="get"}) == 0.5',
    "celery_tasks_total{task_name,status}": 'celery_task_outcomes_total{%,celery_task_name="seeds.encode",celery_task_state="success"}',
    "celery_task_failures_total": 'celery_task_outcomes_total{%,celery_task_state="failure",error_type="ValueError"}',
    "celery_task_duration_seconds": 'messaging_process_duration_seconds_bucket{%,celery_task_name="seeds.encode",le="600"}',
    "celery_queue_length": 'celery_queue_message_count{%,messaging_destination_name="celery"} >= 0',
    "celery_workers_active": "celery_worker_count{%} == 1",
    "failed tasks in the last hour": 'increase(celery_task_outcomes_total{%,celery_task_state="failure"}[1h])',
    "ml_predictions_total{model,status=success}": 'otel_flow_ml_inference_duration_seconds_count{%,otel_flow_ml_model_name="ranker",otel_flow_fallback_used=""}',
    "ml_predictions_total{model,status=fallback}": 'otel_flow_fallback_executions_total{%,otel_flow_feature_name="ranker"}',
    "ml_inference_duration_seconds{model,version,pipeline}": 'otel_flow_ml_inference_duration_seconds_bucket{%,otel_flow_ml_model_version="3",otel_flow_ml_pipeline="home",le="5"}',
    "model_confidence": "otel_flow_ml_prediction_confidence_sum{%}",
    "loaded_models": "otel_flow_ml_model_count{%} == 1",
    "video_processing_duration_seconds{stage}": 'app_video_processing_duration_seconds_bucket{%,stage="transcode"}',
    "users_registered_total": "app_users_registered_total{%} == 1",
    "users_active": "app_users_active{%} == 17",
    "live_streams_active": "app_live_streams_active{%} == 2",
    "payment_amount_total{currency,type}": 'app_payments_amount_total{%,otel_flow_currency="USD",type="card"} == 1999',
    "listings_scraped_total{marketplace,status}": 'app_listings_scraped_total{%,marketplace="bay",status="ok"} == 40',
    "process CPU": 'process_cpu_time_seconds_total{%,cpu_mode="user"}',
    "process memory": "process_memory_usage_bytes{%}",
    "threads": "process_thread_count{%}",
    "file descriptors": "process_unix_file_descriptor_count{%}",
    "GC": "cpython_gc_collections_total{%}",
    "event loop lag": "otel_flow_eventloop_delay_seconds_count{%}",
}
"""What a seed counts → the expression that answers it (reference: operations, A2 to A8)."""


@contextlib.contextmanager
def process(*command, **environ):
    """A program of the seeds, asked to end by the end of its input and by SIGTERM."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parent,
        env={**clean, "OTEL_FLOW_LOG_FORMAT": "json", **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as started:
        try:
            yield started
        finally:
            started.terminate()


@pytest.fixture(scope="module")
def prometheus(stack, redis_url, tmp_path_factory):
    """A Prometheus that service and worker report to."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.otlp_http,
        "OTEL_SERVICE_NAME": "seeds",
        "SEEDS_REDIS": redis_url,
        "SEEDS_DATABASE": str(tmp_path_factory.mktemp("seeds") / "seeds.db"),
    }
    celery = (BIN / "celery", "-A", "seeds:tasks", "worker", "-P", "threads", "-c", "2")
    with process(*celery, **environ), process(sys.executable, "seeds.py", **environ):
        yield stack.prometheus


@pytest.mark.parametrize("wanted", ANSWERS)
def test_what_seeds_count_is_there(prometheus, wanted):
    """The expression that answers the seed's metric finds a series."""
    expression = ANSWERS[wanted].replace("%", 'job="seeds"')

    assert poll_until(lambda: prometheus_samples(prometheus, expression), SECONDS, expression)
