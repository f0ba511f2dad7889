"""What is kept of the reports of providers."""

import pytest

from heliograph.engine.callbacks import _without_texts


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        ('{"id":"7","text":"Your code is \\"1\\" \\u00e9"}', '{"id":"7","text":"…"}'),
        ('{"message": {"Body" : "Hello", "id": "7"}}', '{"message": {"Body" : "…", "id": "7"}}'),
        ('{"content":{"text":"Hello"},"status":"sent"}', '{"content":{"text":"…"},"status":"sent"}'),
        ('{"error":{"message":"Number is unknown"}}', '{"error":{"message":"Number is unknown"}}'),
        ("MessageSid=SM1&Body=Your+code+is+1&To=%2B44", "MessageSid=SM1&Body=…&To=%2B44"),
        ("text=Hello&id=7", "text=…&id=7"),
        ("context=x&id=7", "context=x&id=7"),
        ('{"text":null,"context":"x"}', '{"text":null,"context":"x"}'),
    ],
)
def test_a_report_is_kept_without_the_message_that_it_repeats(report: str, kept: str) -> None:
    assert _without_texts(report) == kept
