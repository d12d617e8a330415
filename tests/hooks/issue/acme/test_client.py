"""What a CA's refusals say, and when it wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dns01.hooks.issue.acme.client import pause_in, problem_in

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("detail", "seconds"),
    [
        (
            "too many certificates already issued. Retry after 2026-11-29T13:00:00Z: see https://ca.example",
            3600,
        ),
        (
            "already issued in the last 168h0m0s, retry after 2026-11-29 12:00:30 UTC: see https://ca.example",
            30,
        ),
        ("retry after 2026-11-29 11:00:00 UTC", 0),
        ("retry after 2026-13-41 11:00:00 UTC", None),
        ("too many failed authorizations recently", None),
        ("", None),
    ],
)
def test_a_refusal_without_retry_after_may_name_the_moment_in_its_text(
    detail: str, seconds: float | None
) -> None:
    assert pause_in(detail, NOW) == seconds


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids"}, "CAA forbids (caa)"),
        ({"detail": "no type"}, "no type"),
        ({"type": "urn:x:y", "title": "a title"}, "a title (y)"),
        (
            {
                "type": "urn:ietf:params:acme:error:compound",
                "detail": "several",
                "subproblems": [{"detail": "it", "identifier": {"type": "dns", "value": "a.example"}}, 7],
            },
            "several (compound); a.example: it",
        ),
        ({"detail": "\x1b[2J\r\nred"}, " [2J  red"),
        ({"detail": "x" * 10_000}, "x" * 800),
        ([], ""),
        (None, ""),
    ],
)
def test_a_problem_is_one_line_that_does_no_harm(document: object, text: str) -> None:
    assert problem_in(document) == text
