"""What is decided of a file by what is known of it alone, without AWS."""

from typing import Any

import pytest
from pipeline_core.files import FileItem, FinishedFile
from pipeline_core.manifest import LANDED, REPLACE, ROWS
from pipeline_core.quarantine import DELETED_REASON
from pipeline_core.report import FileReport, RowCounts

from lambdas.ingestion.logic import replay_purpose
from lambdas.processing.finished_files import finished_file
from tests.unit.lambdas.conftest import candidate, verdict


@pytest.mark.parametrize(
    ("status", "known", "purposes"),
    [
        # what is asked: quarantined, again, deleted
        ("PUBLISHED", {"quarantined_in": "flights-1"}, (ROWS, REPLACE, None)),
        ("PUBLISHED", {}, (None, REPLACE, None)),
        ("QUARANTINED", {"quarantined_in": "flights-1"}, (LANDED, LANDED, None)),
        ("REJECTED", {}, (LANDED, LANDED, None)),
        ("FAILED", {}, (LANDED, LANDED, None)),
        ("FAILED", {"reason": DELETED_REASON}, (LANDED, LANDED, None)),
        ("IGNORED", {"reason": DELETED_REASON}, (None, None, LANDED)),
        ("IGNORED", {"reason": "hidden: '_SUCCESS' begins with '_'"}, (None, None, None)),
        ("PENDING", {"quarantined_in": "flights-1"}, (None, None, None)),
        ("CLAIMED", {"quarantined_in": "flights-1"}, (None, None, None)),
    ],
)
def test_what_a_file_is_read_again_for(status: str, known: dict[str, Any], purposes: tuple[str | None, ...]) -> None:
    item = FileItem.from_item({**candidate().to_document(), "status": status, **known})
    assert tuple(replay_purpose(item, asked) for asked in ("quarantined", "again", "deleted")) == purposes
    with pytest.raises(ValueError, match="replay 'all'; allowed: quarantined, again, deleted"):
        replay_purpose(item, "all")


EARLIER = RowCounts(rows_read=10, rows_curated=6, rows_quarantined=3, rows_duplicate=1)


def finished(purpose: str, decided: str, report: dict[str, Any], **before: Any) -> FinishedFile:
    file = FileReport(key="flights/a.csv", version="v1", **report)
    violations = ("too many",) if decided == "QUARANTINED" else ()
    decision = verdict(verdict=decided, purpose=purpose, batch_id="flights-9", violations=violations)
    return finished_file(file, candidate(purpose=purpose, **before), decision)


SOME = {"rows_read": 5, "rows_curated": 2, "rows_quarantined": 2, "rows_duplicate": 1}
NONE = {"rows_read": 5, "rows_curated": 0, "rows_quarantined": 5}


@pytest.mark.parametrize(
    ("purpose", "decided", "report", "before", "status", "reason", "published_in", "quarantined_in", "has_copy"),
    [
        (LANDED, "PUBLISHED", SOME, {}, "PUBLISHED", "", {"flights-9"}, "flights-9", False),
        (LANDED, "PUBLISHED", NONE, {}, "PUBLISHED", "", set(), "flights-9", False),
        (LANDED, "PUBLISHED", {"problem": "p"}, {}, "QUARANTINED", "p", set(), "", True),
        # Its rows can be shown, so that the file itself need not be.
        (LANDED, "PUBLISHED", {**NONE, "problem": "p"}, {}, "QUARANTINED", "p", set(), "flights-9", False),
        (LANDED, "QUARANTINED", SOME, {}, "QUARANTINED", "too many", set(), "flights-9", False),
        # Whatever landed again or replaces is not where the rows were before.
        (LANDED, "PUBLISHED", SOME, {"published_in": ("b",)}, "PUBLISHED", "", {"flights-9"}, "flights-9", False),
        (REPLACE, "PUBLISHED", SOME, {"published_in": ("b",)}, "PUBLISHED", "", {"flights-9"}, "flights-9", False),
        (ROWS, "PUBLISHED", SOME, {"published_in": ("b",)}, "PUBLISHED", "", {"b", "flights-9"}, "flights-9", False),
        # None of its quarantined rows became valid, and the rows that are in the table stay there.
        (ROWS, "PUBLISHED", NONE, {"published_in": ("b",)}, "PUBLISHED", "", {"b"}, "flights-9", False),
        (ROWS, "PUBLISHED", {"problem": "p"}, {"published_in": ("b",)}, "PUBLISHED", "p", {"b"}, "", True),
    ],
)
def test_what_the_ledger_says_of_a_file_whose_batch_was_decided_on(
    purpose: str,
    decided: str,
    report: dict[str, Any],
    before: dict[str, Any],
    status: str,
    reason: str,
    published_in: set[str],
    quarantined_in: str,
    has_copy: bool,
) -> None:
    file = finished(purpose, decided, report, counts=EARLIER, **before)
    assert (file.status, file.reason, set(file.published_in)) == (status, reason, published_in)
    assert (file.quarantined_in, file.has_copy) == (quarantined_in, has_copy)


def test_the_counts_of_a_file_are_of_all_of_it_also_when_only_its_quarantined_rows_were_read() -> None:
    assert finished(LANDED, "PUBLISHED", SOME, counts=EARLIER).counts == RowCounts(**SOME)
    assert finished(REPLACE, "PUBLISHED", SOME, counts=EARLIER).counts == RowCounts(**SOME)
    # Of the three rows, one is valid now, one is a duplicate of a published one, and one stays.
    report = {"rows_read": 3, "rows_curated": 1, "rows_quarantined": 1, "rows_duplicate": 1}
    after = finished(ROWS, "PUBLISHED", report, counts=EARLIER).counts
    assert after == RowCounts(rows_read=10, rows_curated=7, rows_quarantined=1, rows_duplicate=2)
