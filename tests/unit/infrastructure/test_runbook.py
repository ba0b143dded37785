"""The runbook: every alarm has its section, every section its alarm, and what it tells to type exists."""

import re
from typing import Any

from config.model import PipelineConfig
from ops.__main__ import app
from tests.unit.infrastructure.cloud import ROOT, Cloud

TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
GENERAL = {"How to look", "How a table goes back", "How a dataset is held, and a batch stopped", "How alarms are read"}
# Written down for the anchors that need them: the budget's messages are AWS's and link nothing.
WITHOUT_LINK = {"budget"}


def sections() -> dict[str, str]:
    """Title of every section by its anchor."""
    return dict(re.findall(r'<a id="([a-z-]+)"></a>\n## (.+)\n', TEXT))


def linked(cloud: Cloud) -> dict[str, set[str]]:
    """The alarms that link each section."""
    found: dict[str, set[str]] = {}
    for alarm in cloud.of("cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm"):
        text = alarm.inputs["alarmDescription"]
        (anchor,) = re.findall(r"docs/runbook\.md#([a-z-]+)$", text)
        found.setdefault(anchor, set()).add(alarm.name)
    return found


def test_every_alarm_links_a_section_and_every_section_has_an_alarm(cloud: Cloud) -> None:
    assert linked(cloud).keys() | WITHOUT_LINK == sections().keys()
    assert len(linked(cloud)) > 10


def test_every_section_is_general_or_has_an_anchor() -> None:
    titles = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert set(titles) == GENERAL | set(sections().values())
    assert len(titles) == len(set(titles))


def test_every_section_of_an_alarm_says_what_it_means_how_to_look_and_how_to_fix_it() -> None:
    for part in TEXT.split('<a id="')[1:]:
        for word in ("Means", "Look", "Fix"):
            assert f"- **{word}**" in part, part.split("\n")[1]


def test_every_alarm_is_named_in_its_section(prod: Cloud) -> None:
    parts = {part.split('"')[0]: part for part in TEXT.split('<a id="')[1:]}
    functions = "|".join(name.replace("_", "-") for name in prod.exports["functions"])
    datasets = "|".join(prod.exports["datasets"])
    for anchor, names in linked(prod).items():
        for name in names:
            short = name.removeprefix("data-pipeline-")
            kind = re.sub(
                rf"^({datasets})-",
                "<dataset>-",
                re.sub(rf"^({functions})-(?=errors|throttles|slow)", "<function>-", short),
            )
            assert f"`{kind}`" in parts[anchor], f"{kind} is not named in the section {anchor}"


def test_links_within_the_runbook_lead_somewhere() -> None:
    general = {re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in GENERAL}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", TEXT)) <= sections().keys() | general


def test_commands_and_settings_that_it_names_exist() -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert set(re.findall(r"\.venv/bin/data-pipeline (\w+)", TEXT)) <= commands
    settings = re.findall(
        r"`(storage|ingestion|functions|batches|glue|athena|workflow|monitoring)\.([a-z_]+)(?:: \w+)?`", TEXT
    )
    assert len(settings) > 10
    for section, field in settings:
        model: Any = PipelineConfig.model_fields[section].annotation
        assert field in model.model_fields, f"{section}.{field}"


def test_queries_that_it_names_exist(prod: Cloud) -> None:
    names = {query.inputs["name"] for query in prod.of("athena.NamedQuery")}
    assert {"recent_runs", "quarantined_rows_by_reason", "latest_quarantined_files"} <= names
    assert set(re.findall(r"`((?:recent|latest|quarantined_rows)_\w+)`", TEXT)) <= names
