"""Settings from file, variables and flags: which one wins, and what is said of a wrong one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import settings
from heliograph.settings import SECTIONS, BadSettings, Settings
from heliograph.settings.tree import meta_of


def load(path: Path | None = None, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    return settings.load(path, environ or {}, None, {key.replace("__", "."): text for key, text in flags.items()})


def told(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    """Everything that is wrong, without the folder."""
    with pytest.raises(BadSettings) as caught:
        load(path, environ)
    return [str(problem).replace(f"{path}:", "line ") for problem in caught.value.problems]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heliograph.toml"


def test_without_anything_the_defaults_hold() -> None:
    found = load()
    assert (found.data_dir, found.server.listen, found.webhooks.timeout_ms) == (Path("data"), "127.0.0.1:8080", 3_000)
    assert found.declared == {}
    assert found.store_url({}) == f"sqlite:///{Path('data/heliograph.db').absolute()}"


def test_a_variable_outranks_the_file_and_a_flag_outranks_both(file: Path) -> None:
    file.write_text('[server]\nlisten = "127.0.0.1:1"\n')
    environ = {"HELIOGRAPH_SERVER_LISTEN": "127.0.0.1:2"}
    assert load(file).server.listen == "127.0.0.1:1"
    assert load(file, environ).server.listen == "127.0.0.1:2"
    assert load(file, environ, server__listen="127.0.0.1:3").server.listen == "127.0.0.1:3"


def test_variables_name_the_file_and_the_data_directory(file: Path) -> None:
    file.write_text("[webhooks]\ntimeout_ms = 500\n")
    found = load(None, {"HELIOGRAPH_CONFIG": str(file), "HELIOGRAPH_DATA_DIR": "/srv/sms"})
    assert (found.webhooks.timeout_ms, found.data_dir) == (500, Path("/srv/sms"))


@pytest.mark.parametrize(
    ("variable", "text", "section", "field", "value"),
    [
        ("HELIOGRAPH_LOG_LEVEL", "debug", "log", "level", "debug"),
        ("HELIOGRAPH_WEBHOOKS_TIMEOUT_MS", "900", "webhooks", "timeout_ms", 900),
        ("HELIOGRAPH_WEBHOOKS_RETRY_SCHEDULE_S", "1, 2,3", "webhooks", "retry_schedule_s", (1, 2, 3)),
        ("HELIOGRAPH_WEBHOOKS_ALLOW_NETWORKS", "10.0.0.0/8, ::1", "webhooks", "allow_networks", ("10.0.0.0/8", "::1")),
        ("HELIOGRAPH_WEBHOOKS_ALLOW_NETWORKS", "", "webhooks", "allow_networks", ()),
        ("HELIOGRAPH_SMPP_SERVER_LISTEN", "0.0.0.0:2775", "smpp_server", "listen", "0.0.0.0:2775"),
        ("HELIOGRAPH_SMPP_SERVER_LISTEN", "", "smpp_server", "listen", None),
        ("HELIOGRAPH_STORE_URL", "postgresql://sms@db/sms", "store", "url", "postgresql://sms@db/sms"),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_setting(
    variable: str, text: str, section: str, field: str, value: object
) -> None:
    assert getattr(getattr(load(None, {variable: text}), section), field) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[server]\nlisten = "here"', "line 2: server.listen: expected HOST:PORT, such as 127.0.0.1:8080"),
        ('[server]\nlisten = "127.0.0.1:99999"', "line 2: server.listen: expected HOST:PORT, such as 127.0.0.1:8080"),
        ("[server]\n\nlisten = 8080", "line 3: server.listen: expected HOST:PORT, such as 127.0.0.1:8080"),
        ("[server]\nlisen = 1", "line 2: server.lisen: unknown key; did you mean listen?"),
        ("[sever]\nlisten = 1", "line 1: sever: unknown key; did you mean server?"),
        ("server = 1", "line 1: server: expected a table: [server]"),
        ('[server]\ntls_cert = "a.pem"', "line 2: server.tls_cert: needs tls_key beside it"),
        ('[server]\ntls_key = "a.pem"', "line 2: server.tls_key: needs tls_cert beside it"),
        ('[server]\npublic_url = "sms"', "line 2: server.public_url: expected a URL, such as https://sms.example.com"),
        ("[server]\ngrace_s = -1", "line 2: server.grace_s: expected int >= 0"),
        ('[webhooks]\ntimeout_ms = "3000"', "line 2: webhooks.timeout_ms: expected int, got str"),
        ("[webhooks]\ntimeout_ms = 5", "line 2: webhooks.timeout_ms: expected int >= 100"),
        ("[webhooks]\nretry_schedule_s = []", "line 2: webhooks.retry_schedule_s: expected a list of seconds"),
        ("[webhooks]\nretry_schedule_s = [5, 0]", "line 2: webhooks.retry_schedule_s: expected a list of seconds"),
        ('webhooks.allow_networks = ["lan"]', "line 1: webhooks.allow_networks: expected a list of networks"),
        ('[store]\nurl = "mysql://db"', "line 2: store.url: expected sqlite:////path/to/file.db or postgresql://"),
        ('[log]\nlevel = "loud"', "line 2: log.level: expected debug, info, warning or error"),
        ('[log]\nformat = "xml"', "line 2: log.format: expected auto, json or text"),
        ("[retention]\nbody_days = -1", "line 2: retention.body_days: expected int >= 0"),
        ("[limits]\nclient_messages_per_second = true", "line 2: limits.client_messages_per_second: expected int"),
        ('[smpp_server]\nlisten = "2775"', "line 2: smpp_server.listen: expected HOST:PORT"),
        ('routes = "x"', "line 1: routes: expected tables: [[routes]]"),
        ("[connectors]\nplay = 1", "line 1: connectors: expected tables: [connectors.NAME]"),
        ("a = ", "line 1: not TOML"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line_and_what_would_be_right(file: Path, text: str, problem: str) -> None:
    file.write_text(f"{text}\n")
    (found,) = told(file)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"HELIOGRAPH_LOG_LEVEL": "loud"}, "HELIOGRAPH_LOG_LEVEL: log.level: expected debug, info, warning or error"),
        (
            {"HELIOGRAPH_LOG_LEVLE": "info"},
            "HELIOGRAPH_LOG_LEVLE: unknown variable; did you mean HELIOGRAPH_LOG_LEVEL?",
        ),
        ({"HELIOGRAPH_SERVER_GRACE_S": "soon"}, "HELIOGRAPH_SERVER_GRACE_S: server.grace_s: expected int"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load(None, environ)
    assert str(caught.value).startswith(problem)


def test_everything_that_is_wrong_is_told_at_once(file: Path) -> None:
    file.write_text('[server]\nlisten = 1\ngrace_s = 601\n[log]\nlevel = "loud"\n')
    places = [problem.partition(":")[0] for problem in told(file, {"HELIOGRAPH_LOG_FORMAT": "xml"})]
    assert sorted(places) == ["HELIOGRAPH_LOG_FORMAT", "line 2", "line 3", "line 5"]


def test_a_wrong_value_is_never_repeated(file: Path) -> None:
    file.write_text('[store]\nurl = "mysql://sms:hunter2@db/sms"\n')
    assert "hunter2" not in "".join(told(file))


def test_variables_of_others_with_our_prefix_are_left_alone() -> None:
    assert load(None, {"HELIOGRAPH_KEY": "hg_live_x", "HELIOGRAPH_URL": "http://x", "HELIOGRAPH_BIN": "x"})


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\xff\xfe", "is not UTF-8 text")])
def test_a_file_that_can_not_be_read_is_told(file: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadSettings, match=why):
        load(file)


@given(st.text(max_size=200))
def test_whatever_stands_in_a_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.toml"
    path.write_text(text, "utf-8", errors="replace")
    try:
        settings.read(path)
    except BadSettings as error:
        assert str(path) in str(error)


def test_every_setting_has_its_help() -> None:
    for section, cls in SECTIONS.items():
        assert cls.__doc__
        for field, annotated in cls.__annotations__.items():
            assert meta_of(annotated)["help"].endswith("."), f"{section}.{field}"
