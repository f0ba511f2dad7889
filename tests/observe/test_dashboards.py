"""The dashboard and the alert rules that ship ask only for metrics and labels that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heliograph import desks
from heliograph.engine.outages.desk import OutageDesk
from heliograph.engine.standing import Standing
from heliograph.engine.streams.desk import StreamDesk
from heliograph.observe import Metrics
from heliograph.observe.families import Counter, Histogram

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
PROMTOOL = shutil.which("promtool")
OF_PROMETHEUS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
OF_THE_SCRAPE = {"instance", "job"}


@pytest.fixture(scope="module")
def series() -> dict[str, set[str]]:
    """Each series that `/metrics` has, with its labels."""
    metrics = Metrics()
    desks._add_gauges(
        metrics, Standing.__new__(Standing), StreamDesk.__new__(StreamDesk), OutageDesk.__new__(OutageDesk)
    )
    found: dict[str, set[str]] = {name: set() for name in OF_PROMETHEUS}
    for metric in metrics.declared():
        if isinstance(metric, Counter):
            found[f"{metric.name}_total"] = set(metric.labels)
        elif isinstance(metric, Histogram):
            found |= {f"{metric.name}_{part}": {*metric.labels, "le"} for part in ("bucket", "sum", "count")}
        else:
            found[metric.name] = set(metric.labels)
    return found


def panels(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], re.sub(r"label_values\((\w+), (\w+)\)", r"\1{\2=~'x'}", variable["definition"])


def alerts() -> Iterator[tuple[str, str]]:
    """(name, expression): our rules are written so that no parser of YAML is needed for these."""
    text = (FOLDER / "alerts.yaml").read_text()
    for rule in text.split("- alert: ")[1:]:
        name, _, rest = rule.partition("\n")
        expression = re.search(r"expr: (?:\|\n(?P<block>(?:\s{10}.*\n)+)|(?P<line>.*)\n)", rest)
        assert expression, name
        yield name, expression["block"] or expression["line"]


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(series, labels that it is narrowed by) of an expression."""
    for name, selector in re.findall(r"\b((?:heliograph|process)_\w+|up)\b(?:\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))


def groups(expression: str) -> set[str]:
    return {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}


def test_everything_that_is_asked_for_is_there(series: dict[str, set[str]]) -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    questions = [*panels(dashboard), *alerts()]
    assert len(questions) > 45
    for where, expression in questions:
        names = list(asked(expression))
        assert names, where
        for name, labels in names:
            assert name in series, f"{where} asks for {name}"
            assert labels <= series[name] | OF_THE_SCRAPE, f"{where}: {name} has no {labels - series[name]}"
        known = set.union(*(series[name] for name, _ in names)) | OF_THE_SCRAPE
        assert groups(expression) <= known, where


def test_every_metric_of_ours_is_shown(series: dict[str, set[str]]) -> None:
    text = (FOLDER / "dashboard.json").read_text()
    ours = {name for name in series if name.startswith("heliograph_")} - {
        name for name in series if name.endswith(("_sum", "_count"))
    }
    hidden = {"heliograph_segments_sent_total", "heliograph_messages_multipart_total"}  # alarms and sums of others
    assert {name for name in ours if name not in text} == hidden


def test_every_alert_says_what_to_do() -> None:
    rules = (FOLDER / "alerts.yaml").read_text().split("- alert: ")[1:]
    for rule in rules:
        assert re.search(r"severity: (critical|warning)", rule), rule
        assert rule.count("summary: ") == rule.count("description: ") == 1, rule


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt install prometheus")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yaml"),
        ("check", "config", "prometheus.yaml"),
        ("test", "rules", "alerts_test.yaml"),
    ],
    ids=" ".join,
)
def test_prometheus_takes_the_rules_and_they_fire(words: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt install prometheus")
def test_prometheus_finds_nothing_to_mend_in_the_names() -> None:
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=Metrics().text(), capture_output=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).decode().splitlines() if line.startswith("heliograph_")]
    assert ours == []
