"""Stack files: what cannot be used is refused with the file's name, the key, and what is allowed."""

from pathlib import Path

import pytest

from ops.stack_files import StackFileError, read

GOOD = "config:\n  aws:region: eu-central-1\n  data-pipeline:settings: {environment: dev}\n"
WRONG_STACK_FILES = {
    "config: [": ": not readable as YAML in UTF-8: expected the node content, but found '<stream end>' in line 1",
    "": ": it is empty; write 'config:', and write at least aws:region and data-pipeline:settings there",
    "config:\n": ": config is missing or empty; write at least aws:region",
    "other: 1\n": ": config is missing or empty; write at least aws:region",
    "- 1\n": ": list at the top, not a mapping; write 'config:'",
    "config: text\n": ": config is a str, not a mapping; write at least aws:region",
    GOOD.replace("aws:region: eu-central-1", "other:key: 1"): " cannot be used:\n  aws:region: allowed is a region",
    GOOD.replace("aws:region: eu-central-1", "aws:region:"): " cannot be used:\n  aws:region: allowed is a region",
}
"""By what a file says: how the error goes on after its name."""


@pytest.mark.parametrize(("text", "says"), [*WRONG_STACK_FILES.items()])
def test_what_cannot_be_used_is_refused_and_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackFileError) as caught:
        read("dev", tmp_path)
    assert str(caught.value).startswith(f"Pulumi.dev.yaml{says}")


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


def test_a_file_that_can_be_used_is_read(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(GOOD, encoding="utf-8")
    assert read("dev", tmp_path)["data-pipeline:settings"] == {"environment": "dev"}
    with pytest.raises(StackFileError, match=r"there is no Pulumi.prod.yaml; write one"):
        read("prod", tmp_path)
