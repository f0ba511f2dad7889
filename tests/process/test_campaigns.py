"""A few rounds of the bar; see `tests.process.campaigns`."""

from pathlib import Path

from tests.process.campaigns import CONFIG, create, killed, upload, wait
from tests.process.database import database
from tests.process.server import Api, Server


def test_killed_in_the_middle_each_recipient_is_taken_exactly_once(tmp_path: Path) -> None:
    verdict = killed(tmp_path, count=20_000, kills=3, seed=5)
    assert verdict.kills >= 2
    assert verdict.is_good, verdict


def test_on_postgres_a_campaign_is_paused_goes_on_and_comes_to_its_end(tmp_path: Path) -> None:
    with database() as url:
        config = f'[store]\nurl = "{url}"\n' + CONFIG.format(more="", rate=300, journal="")
        with Server(tmp_path, config) as server:
            api = Api(server, server.key("admin"))
            assert upload(api, 600)["valid"] == 600
            create(api)
            ready = wait(api, "", lambda one: one["status"] == "ready", pause_s=0.1)
            assert ready["estimate"]["reachable"] == 600
            api("POST", "/v1/campaigns/many/start", {})
            wait(api, "/progress", lambda one: one["total"]["accepted"] == 600, pause_s=0.1)
            assert api("POST", "/v1/campaigns/many/pause").json()["status"] == "paused"
            assert api("POST", "/v1/campaigns/many/resume").json()["status"] == "running"
            wait(api, "", lambda one: one["status"] == "done", within_s=60, pause_s=0.2)
            total = api("GET", "/v1/campaigns/many/progress").json()["total"]
            assert (total["accepted"], total["sent"], total["waiting"]) == (600, 600, 0)
