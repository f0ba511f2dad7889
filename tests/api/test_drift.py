"""A provider's own opt-out list beside ours."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.carriers.http.test_aws import ACCOUNT
from tests.process.server import Api, Server

BOTH, THEIRS, OURS, NEVER_TEXTED = (f"+44791112340{place}" for place in range(4))
PAGES: dict[str | None, dict[str, Any]] = {
    None: {"OptedOutNumbers": [{"OptedOutNumber": BOTH}], "NextToken": "second"},
    "second": {"OptedOutNumbers": [{"OptedOutNumber": THEIRS}]},
}


class Aws(BaseHTTPRequestHandler):
    """Takes every text, and keeps a list in two pages."""

    is_closed = False

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Amz-Target"].endswith("DescribeOptedOutNumbers"):
            said: dict[str, Any] = PAGES[asked.get("NextToken")]
            status = 400 if Aws.is_closed else 200
        else:
            said, status = {"MessageId": f"id-{asked['DestinationPhoneNumber']}"}, 200
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    with Server(tmp_path_factory.mktemp("drift")) as server:
        api = Api(server, server.key("admin", environment="live"))
        aws = {"kind": "aws", "base_url": f"http://127.0.0.1:{provider.server_port}", **ACCOUNT}
        routes = [{"name": "all", "via": ["aws"]}]
        play = {"kind": "sandbox"}
        document = {"connectors": {"aws": aws, "play": play}, "routes": routes}
        answer = api("POST", "/v1/apply", {"document": document})
        assert answer.status_code == 200, answer.text
        for number in (BOTH, OURS):
            api.until(api.send(number)["id"], "sent")
        for number in (BOTH, OURS, NEVER_TEXTED):
            assert api("POST", "/v1/consents", {"to": number, "action": "opt_out"}).status_code == 201
        yield api
    provider.shutdown()
    provider.server_close()


def test_what_differs_is_told_both_ways(api: Api) -> None:
    found = api("GET", "/v1/connectors/aws/opt-outs").json()
    assert found == {
        "connector": "aws",
        "theirs": 2,
        "ours": 2,
        "only_theirs": [THEIRS],
        "only_ours": [OURS],
    }, "and who was never texted that way is nobody's business there"


def test_a_list_that_is_not_given_is_no_empty_list(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "is_closed", True)
    for name in ("aws", "play"):
        answer = api("GET", f"/v1/connectors/{name}/opt-outs")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_opt_out_list")
