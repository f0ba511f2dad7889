"""The code tables: which codes say that it is the number."""

import pytest

from heliograph.carriers.http.answers import codes, our_code
from heliograph.core.failures import INVALID_NUMBER, PERMANENT

TABLES = (
    *(
        "africastalking",
        "aws",
        "bandwidth",
        "clickatell",
        "infobip_error",
        "messagebird_report",
        "plivo",
        "sinch_report",
    ),
    *("telesign", "telnyx", "twilio", "vonage_receipt", "vonage_status"),
)


@pytest.mark.parametrize("table", TABLES)
def test_what_concerns_the_number_is_permanent_and_nobody_else_can_help(table: str) -> None:
    marked = [code for code in codes(table).values() if code.number]
    assert all(code.failure == PERMANENT and not code.elsewhere for code in marked)


@pytest.mark.parametrize(
    ("table", "code", "is_number"),
    [
        ("twilio", "21211", True),
        ("twilio", "30005", True),
        ("twilio", "21606", False),  # the sender
        ("twilio", "21408", False),  # the country
        ("bandwidth", "4406", True),
        ("bandwidth", "4405", False),  # the sender
        ("messagebird_report", "1", True),
        ("infobip_error", "1", True),
        ("telnyx", "40012", True),
        ("plivo", "40", False),  # the sender
        ("vonage_status", "33", True),
        ("twilio", "never heard of", False),
    ],
)
def test_the_number_is_told_from_sender_and_country(table: str, code: str, is_number: bool) -> None:
    assert (our_code(PERMANENT, table, code) == INVALID_NUMBER) == is_number
