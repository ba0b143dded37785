"""Which components programs in other languages may use, and which not, and why.

Pulumi's analyzer makes the schema, and so the SDKs, from the annotations and docstrings of the public ones.
"""

import tomllib
from collections.abc import Mapping, Sequence

import pulumi

from components.compute.packaging import ROOT
from plugin.parts import DeadLetters, EncryptionKey, Topic, WorkQueue, Zone
from plugin.pipeline import DataPipeline

PUBLIC: Sequence[type[pulumi.ComponentResource]] = (
    DataPipeline,
    EncryptionKey,
    Zone,
    Topic,
    WorkQueue,
    DeadLetters,
)
"""What the plugin offers."""

_PIPELINE_ONLY = "of use only inside a pipeline: takes other components, or what their methods say of permissions"
INTERNAL: Mapping[str, str] = {
    **dict.fromkeys(
        ("Catalog", "Consumption", "ContractObjects", "CrawlerRole", "DatasetCrawler", "EngineLayer", "Functions",
         "Messaging", "Monitoring", "Network", "Owners", "PipelineFunction", "SlackWebhooks", "SparkJob", "Storage",
         "Triggers", "Workflow"),
        _PIPELINE_ONLY,
    ),
    **dict.fromkeys(("ArrivalRule", "EventBus", "FunctionRule"), "a rule and its permissions; AWS's own are as short"),
    "Budget": "a budget of a pipeline's tags, which alarms a topic that lets it",
    "GlueSecurity": "one resource; its key must know the pipeline's log groups",
    "LineageFacet": "one object; its events are those of the pipeline's functions",
    "Ledger": "a table whose items only the pipeline's functions write",
    "LogQueries": "queries over the log groups of the pipeline's functions",
    "OwnTables": "tables of the pipeline's own runs and quarantined rows",
    "ServiceRole": "takes statements, which are made by methods of other components",
}  # fmt: skip
"""The other components of `components/`, each with the reason why other languages do not get it."""


def version() -> str:
    """The project's version, which is the plugin's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
