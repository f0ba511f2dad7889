"""Traces of a real gateway, as a server of OTLP receives them."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[tracing]
url = "{url}"
sample = 0
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["quick"]
"""
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                import gzip

                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                asked = ExportTraceServiceRequest.FromString(body)
                collector.bodies.append(body)
                for resource in asked.resource_spans:
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_callers_trace_goes_on_to_the_webhook(tmp_path: Path, collector: Collector) -> None:
    with Server(tmp_path, CONFIG.format(url=collector.url)) as server, Sink() as sink:
        api = Api(server, server.key("messages:send", "messages:read"))
        body = {"to": "+447700900123", "text": "Traced secret", "callback_url": sink.url}
        followed = api("POST", "/v1/messages", body, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"}).json()
        other = api.send(text="Not traced", callback_url=sink.url)
        api.until(other["id"], "delivered")
        heard = sink.until(lambda heard: len(heard) >= 4)
        server.stop()
    traced = [one for one in heard if "traceparent" in one.headers]
    assert {one.event["data"]["id"] for one in traced} == {followed["id"]}
    spans = collector.spans
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    request = next(span for span in spans if span.name == "accept messages")
    assert request.parent_span_id.hex() == CALLER
    below = [span for span in spans if span.parent_span_id == request.span_id]
    assert sorted({span.name for span in below}) == ["attempt", "commit", "receipt", "webhook"]
    webhooks = {f"00-{TRACE}-{span.span_id.hex()}-01" for span in below if span.name == "webhook"}
    assert webhooks == {one.headers["traceparent"] for one in traced}
    assert all(b"Traced secret" not in body and b"447700900123" not in body for body in collector.bodies)


def test_a_server_of_traces_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    with Server(
        tmp_path, CONFIG.format(url="http://127.0.0.1:9/v1/traces").replace("sample = 0", "sample = 1")
    ) as server:
        api = Api(server, server.key("messages:send", "messages:read"))
        api.until(api.send()["id"], "delivered")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
