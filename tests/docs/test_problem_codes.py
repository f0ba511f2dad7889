"""Which problem codes a call may tell is read from the code, and nothing that can be told is missing."""

from docs import problem_codes
from heliograph.api.catalogue import CATALOGUE

# Told by what is no route: pages, provider calls, drop-in doors with problems in words of their own.
ELSEWHERE = {
    *("internal_error", "key_needed", "link_ended", "local_only", "method_not_allowed"),
    *("not_supported", "openid_failed", "too_many_checks"),
}


def test_the_table_of_codes_is_what_the_code_says() -> None:
    assert problem_codes.FILE.read_text("utf-8") == problem_codes.text(), "run `make docs`"


def test_every_code_of_the_catalogue_is_told_by_something() -> None:
    told = {code for codes in problem_codes.table().values() for many in codes.values() for code in many}
    assert set(CATALOGUE) - told == ELSEWHERE


def test_a_call_names_what_its_handler_leads_to() -> None:
    table = problem_codes.table()
    assert table["GET /v1/messages/{id}"] == {"404": ["not_found"]}
    assert table["POST /v1/templates/{name}/approve"]["403"] == ["foreign_environment", "four_eyes"]
    assert {"opted_out", "no_route", "bad_pool"} & set(table["POST /v1/messages"]["422"]) == {"opted_out", "no_route"}
