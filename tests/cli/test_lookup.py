"""What is known of a number, without a server."""

import pytest

from tests.cli.conftest import Run


def test_what_is_known_is_told_line_by_line(run: Run) -> None:
    lines = dict(line.split("  ", 1) for line in run("lookup", "+447400123456").out.splitlines())
    told = {name: value.strip() for name, value in lines.items()}
    assert told["number"] == "+447400123456"
    assert (told["country"], told["type"], told["valid"]) == ("GB", "mobile", "yes")
    assert (told["national"], told["international"]) == ("07400 123456", "+44 7400 123456")
    assert "ported" in told["carrier"] and "Europe/London" in told["time zones"]
    assert (told["test number"], told["may be texted"]) == ("no", "yes")


@pytest.mark.parametrize("country", ["GB", "gb"])
def test_a_national_number_is_read_with_its_country(run: Run, country: str) -> None:
    found = run("lookup", "07700 900123", "--country", country, "--json").data
    assert (found["e164"], found["is_test_number"], found["carrier"]) == ("+447700900123", True, None)


def test_why_it_may_not_be_texted_is_told(run: Run) -> None:
    found = run("lookup", "+449012345678", "--json").data
    assert (found["may_be_texted"], found["why_not"]["code"]) == (False, "type_not_allowed")
    assert "no: +449012345678 is of the type premium" in run("lookup", "+449012345678").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("12345",), "looks like a short code"),
        (("call me",), "has letters in it"),
        (("07700 900123",), "is not in international form"),
        (("+5215512345678",), "did you mean +525512345678?"),
        (("+447400123456", "--country", "Narnia"), "--country: 'Narnia' is not a country code"),
        (("call me", "--json"), "has letters in it"),
    ],
)
def test_what_is_no_number_is_refused(run: Run, words: tuple[str, ...], told: str) -> None:
    done = run("lookup", *words)
    assert (done.code, told in done.err, done.out) == (1, True, ""), done.err


def test_a_provider_can_not_be_asked_without_a_key(run: Run) -> None:
    done = run("lookup", "+447400123456", "--provider", "telco")
    assert done.code == 1 and "--key" in done.err
