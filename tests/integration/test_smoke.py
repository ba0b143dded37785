"""The smoke test that follows a deployment, against the pipeline in the emulator: two at a time, and one more."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from local.driver import Pipeline
from local.emulator import ACCESS_KEY, Emulator
from ops.smoke import OUTCOME, Canary, Deployed, Observation, SmokeError, smoke
from ops.target import choose
from recording.decisions import denials

SECONDS = 240


@pytest.fixture
def deployed(emulator: Emulator, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", emulator.region)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session())
    return choose(Deployed, pipeline.outputs, "the emulator")


def run(canary: Canary) -> Observation:
    return smoke(canary, patience_seconds=SECONDS, look_seconds=0.5, tick_seconds=1)


def test_runs_side_by_side_and_one_after_the_other_each_get_their_own_rows_back(
    emulator: Emulator, pipeline: Pipeline, deployed: Deployed
) -> None:
    pair = [Canary(deployed), Canary(deployed)]
    with ThreadPoolExecutor(2) as pool:
        sights = list(pool.map(run, pair))
    assert [observation.outcome for observation in sights] == [OUTCOME, OUTCOME]
    later = Canary(deployed)
    assert run(later).batch_id not in {observation.batch_id for observation in sights}
    assert [canary.count() for canary in (*pair, later)] == [3, 3, 3], "a later run changed an earlier one's rows"
    assert denials(emulator.decisions) == []


def test_a_canary_that_does_not_come_back_in_time_is_said_to_be_where_it_is(deployed: Deployed) -> None:
    # Ingestion may have registered the file before the only look at it, or not yet.
    waits = "it is (not in the ledger; ingestion has not registered it|PENDING; no batch has taken it)"
    with pytest.raises(SmokeError, match=rf"canary/\S+\.csv did not arrive in 0 s: {waits}"):
        smoke(Canary(deployed), patience_seconds=0, look_seconds=0.1)
