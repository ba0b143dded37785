"""Stack files: what cannot be used is refused with the file's name, the key, and what is allowed."""

from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from config.load import parse
from config.stack_file import StackFileError, read

GOOD = "config:\n  aws:region: eu-central-1\n  data-pipeline:settings: {environment: dev}\n"


def tagged(value: str) -> str:
    return GOOD.replace("dev}", f"dev, tags: {{a: {value}}}}}")


NOT_PLAIN = ": not readable as YAML in UTF-8: "
# Nine to the power of six values at the end.
EXPLOSIVE = "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9 if n else 'x'}]\n" for n in range(7))
WRONG_STACK_FILES = {
    "config: [": ": not readable as YAML in UTF-8: did not find expected node content in line 2",
    "": ": it is empty; write 'config:', and write at least aws:region and data-pipeline:settings there",
    "config:\n": ": config is missing or empty; write at least aws:region",
    "other: 1\n": ": config is missing or empty; write at least aws:region",
    "- 1\n": ": list at the top, not a mapping; write 'config:'",
    "config: text\n": ": config is a str, not a mapping; write at least aws:region",
    GOOD.replace("aws:region: eu-central-1", "aws:profile: x"): " cannot be used:\n  aws:region: allowed is a region",
    f"{GOOD}  environment: dev\n": " cannot be used:\n  environment: allowed are data-pipeline:settings, under which",
    f"{GOOD}  data-pipeline:setings: 1\n": " cannot be used:\n  data-pipeline:setings: allowed are data-pipeline:",
    GOOD.replace("aws:region: eu-central-1", "aws:region:"): " cannot be used:\n  aws:region: allowed is a region",
    GOOD.replace("eu-central-1", "banana"): " cannot be used:\n  aws:region = 'banana': allowed is a region, like eu-",
    GOOD.replace("eu-central-1", "eu-central-1a"): " cannot be used:\n  aws:region = 'eu-central-1a': allowed is a",
    tagged("2020-01-01"): f"{NOT_PLAIN}quotes are needed around the date in line 3",
    tagged("2020-13-45"): f"{NOT_PLAIN}quotes are needed around the date in line 3",
    tagged("!!set {x}"): f"{NOT_PLAIN}could not determine a constructor for the tag; a text that begins with ! needs",
    tagged("!!binary aGk="): f"{NOT_PLAIN}could not determine a constructor for the tag; a text that begins with !",
    tagged("!hunter2 x"): f"{NOT_PLAIN}could not determine a constructor for the tag; a text that begins with ! needs",
    tagged(
        "!!bool hunter2"
    ): f"{NOT_PLAIN}neither a number nor what its tag says; a text like it needs quotes; in line 3",
    tagged("0x_"): f"{NOT_PLAIN}neither a number nor what its tag says; a text like it needs quotes; in line 3",
    tagged("9" * 5_000): f"{NOT_PLAIN}a number of 5000 digits, where 100 are allowed, in line 3",
    tagged("0x" + "f" * 5_000): f"{NOT_PLAIN}a number of 5002 digits, where 100 are allowed, in line 3",
    tagged('"\\ud800"'): f"{NOT_PLAIN}found invalid Unicode character escape code in line 3",
    tagged('"\\U00110000"'): f"{NOT_PLAIN}found invalid Unicode character escape code in line 3",
    tagged("[" * 3_000): f"{NOT_PLAIN}nested too deeply, more than 50 levels, in line 3",
    tagged("[" * 60 + "]" * 60): f"{NOT_PLAIN}nested too deeply, more than 50 levels, in line 3",
    tagged("&a [*a]"): f"{NOT_PLAIN}nested too deeply, more than 50 levels, in line 3",
    tagged("*hunter2"): f"{NOT_PLAIN}an alias of nothing; a text that begins with * needs quotes; in line 3",
    tagged("b, ? [c] : d"): f"{NOT_PLAIN}a key that is no text in line 3",
    tagged("hunter2, b: c, a: hunter2"): f"{NOT_PLAIN}'a' is there twice, the second time in line 3",
    f"{GOOD}  data-pipeline:settings: 1\n": f"{NOT_PLAIN}'data-pipeline:settings' is there twice, the second time in",
    EXPLOSIVE: f"{NOT_PLAIN}more than 200000 values, those of aliases wherever they are used, in line ",
}
"""By what a file says: how the error goes on after its name."""


@pytest.mark.parametrize(("text", "says"), [*WRONG_STACK_FILES.items()])
def test_what_cannot_be_used_is_refused_and_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackFileError) as caught:
        read("dev", tmp_path)
    assert str(caught.value).startswith(f"Pulumi.dev.yaml{says}")
    assert "hunter2" not in str(caught.value), "a value may be a secret"


CIPHER = {"secure": "v1:abc:def"}


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"data-pipeline:settings": CIPHER}, "data-pipeline:settings"),
        ({"data-pipeline:settings": {"environment": CIPHER}}, "data-pipeline:settings.environment"),
        (
            {"data-pipeline:settings": {"security": {"account_id": CIPHER}}},
            "data-pipeline:settings.security.account_id",
        ),
        ({"data-pipeline:settings": {"monitoring": CIPHER}}, "data-pipeline:settings.monitoring"),
        ({"data-pipeline:settings": {"monitoring": {"alarm_subscriptions": CIPHER}}}, "monitoring.alarm_subscriptions"),
        (
            {"data-pipeline:settings": {"monitoring": {"alarm_subscriptions": [{"name": CIPHER}]}}},
            "monitoring.alarm_subscriptions.0.name",
        ),
        ({"data-pipeline:settings": {"tags": {"a": {**CIPHER, "b": 1}}}}, "data-pipeline:settings.tags.a"),
        ({"aws:profile": CIPHER}, "aws:profile"),
        ({"aws:region": CIPHER}, "aws:region"),
    ],
)
def test_only_endpoints_may_be_secrets_and_no_ciphertext_is_shown(config: Any, key: str, tmp_path: Path) -> None:
    text = yaml.safe_dump({"config": {"aws:region": "eu-central-1", **config}})
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackFileError, match=r"allowed is a plain value: only endpoints of subscriptions") as caught:
        read("dev", tmp_path)
    assert f"{key} = [secret]" in str(caught.value)
    assert "v1:abc" not in str(caught.value)


def test_an_endpoint_and_a_key_of_the_provider_may_be_secrets(tmp_path: Path) -> None:
    subscriptions = [{"name": "a", "protocol": "email", "endpoint": CIPHER}]
    settings = {"environment": "dev", "monitoring": {"notification_subscriptions": subscriptions}}
    config = {"aws:region": "eu-central-1", "aws:secretKey": CIPHER, "data-pipeline:settings": settings}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    assert read("dev", tmp_path) == config


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_bytes(b"config: \xff")
    with pytest.raises(StackFileError, match=r"Pulumi.dev.yaml: not readable as YAML in UTF-8: UnicodeDecodeError"):
        read("dev", tmp_path)


def test_a_line_of_broken_yaml_is_not_shown_since_it_may_hold_a_secret(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:secretKey: hunter2: [", encoding="utf-8")
    with pytest.raises(StackFileError) as caught:
        read("dev", tmp_path)
    assert "line 2" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_aliases_are_read_as_the_pulumi_cli_reads_them(tmp_path: Path) -> None:
    text = "config:\n  aws:region: eu-central-1\n  aws:a: &a {b: 1}\n  aws:c: *a\n  aws:d: {<<: *a, e: 2}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    found = read("dev", tmp_path)
    assert (found["aws:c"], found["aws:d"]) == ({"b": 1}, {"b": 1, "e": 2})


def test_every_region_that_botocore_knows_has_the_form_of_one(tmp_path: Path) -> None:
    session = boto3.Session()
    regions = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    }
    assert {"eu-central-1", "us-gov-west-1", "eusc-de-east-1"} <= regions
    for region in regions:
        (tmp_path / "Pulumi.dev.yaml").write_text(GOOD.replace("eu-central-1", region), encoding="utf-8")
        assert read("dev", tmp_path)["aws:region"] == region
        # A version of Glue that every region has: which has the latest is another rule.
        settings = {"security": {"vpc": {"availability_zones": [f"{region}a"]}}, "glue": {"version": "5.0"}}
        parse({"environment": "dev", **settings}, "Pulumi.dev.yaml", region=region)


def test_a_file_that_can_be_used_is_read(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(GOOD, encoding="utf-8")
    assert read("dev", tmp_path)["data-pipeline:settings"] == {"environment": "dev"}
    with pytest.raises(StackFileError, match=r"there is no Pulumi.prod.yaml; write one"):
        read("prod", tmp_path)
