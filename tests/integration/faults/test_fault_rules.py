"""A rule that never fires fails its test, and an emulator without faults knows no rules."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.emulator import Emulator
from tests.integration.faults.lab import CONTROL, Lab, Scenario


def test_a_rule_that_never_fires_fails_its_test(lab: Lab) -> None:
    scenario = Scenario("never", lab, [])
    rule = {"effect": "kill", "principal": "no such role"}
    with pytest.raises(AssertionError, match="to fire"), scenario.inject(rule, patience=0.2):
        lab.tick("planes")
    assert lab.control("GET") == [], "no rule outlives its test"


def test_the_nth_request_of_a_principal_is_answered_with_the_error_and_no_other(lab: Lab) -> None:
    s3 = lab.s3
    scenario = Scenario("second", lab, [])
    put = {"Bucket": lab.outputs["raw_bucket"], "Key": "nobody/x", "Body": b""}
    rule = {"effect": "error", "service": "s3", "operation": "PutObject", "code": "NotImplemented", "nth": 2}
    with scenario.inject(rule | {"principal": ":root", "text": "nobody/x"}):
        s3.put_object(**put)
        with pytest.raises(s3.exceptions.ClientError, match="NotImplemented"):
            s3.put_object(**put)
        s3.put_object(**put)
    assert scenario.injected == 1


def test_an_emulator_without_faults_has_no_rules(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator, pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{emulator.endpoint}{CONTROL}", timeout=10)
