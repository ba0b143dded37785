"""What becomes of every field of the standard (ODCS 3.0, 3.1 and 3.2), and what has to be said of those that are given.

docs/contracts.md has the same as a table, which is written from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel

from contracts.compiler import channels, retention
from contracts.compiler.checks import CUSTOM_PROPERTIES, FREQUENCY, LATENCY, LEAST_LATENCY_SECONDS, promised
from contracts.compiler.column_values import STANDARD_OPTIONS
from contracts.compiler.rules import not_enforced, quality_rules
from contracts.compiler.tables import TablePlan

NAMED = 5
"""Places that a notice names; of more it says how many."""


class Policy(StrEnum):
    """What a field of the standard is to the pipeline."""

    KEPT = "kept"
    SHOWN = "shown"
    NOT_ENFORCED = "not enforced"
    REFUSED = "refused"


@dataclass(frozen=True)
class Rule:
    """The policy of a field, and the reason, or what it means here."""

    policy: Policy
    reason: str = ""


def _kept(**fields: str) -> dict[str, Rule]:
    return {name.rstrip("_"): Rule(Policy.KEPT, reason) for name, reason in fields.items()}


def _shown(fields: str) -> dict[str, Rule]:
    return {name: Rule(Policy.SHOWN) for name in fields.split()}


def _not_enforced(**fields: str) -> dict[str, Rule]:
    return {name.rstrip("_"): Rule(Policy.NOT_ENFORCED, reason) for name, reason in fields.items()}


_ABOUT = "id description tags customProperties authoritativeDefinitions"
_ACCESS = "who may read or write is said by AWS's permissions (docs/security.md)"

OPTIONS = "logicalTypeOptions"
CHECKED = ("minLength", "maxLength", "pattern", "minimum", "maximum")

POLICIES: Mapping[str, Mapping[str, Rule]] = {
    "OpenDataContractStandard": {
        **_kept(
            apiVersion="v3.0 to v3.2 are read",
            kind="DataContract",
            version="MAJOR.MINOR.PATCH (1.0 is 1.0.0); changes are judged by it (docs/semantics.md, section 8)",
            schema="each object is a dataset",
            customProperties="the pipeline's own settings are kept, those of other programs are shown",
            slaProperties="frequency and latency are watched by alarms, retention deletes rows of an Iceberg table",
            support="channels that are told what becomes of batches; see Support",
            team="members may be told, too; see TeamMember",
        ),
        **_shown(
            "id name tenant tags status servers dataProduct description domain price "
            "authoritativeDefinitions contractCreatedTs slaDefaultElement context"
        ),
        **_not_enforced(roles=_ACCESS),
    },
    "Description": _shown("usage purpose limitations authoritativeDefinitions customProperties"),
    "Server": {
        **_kept(
            type_="says whose physicalTypes the contract has; of s3, where files are and how they are written",
            location="of s3: the prefix of the dataset's files in the raw bucket, whatever bucket it names",
            delimiter="of s3: that of CSV, unless customProperties say one; of JSON, contents decide",
            encoding="of s3: that of text files, unless customProperties say one",
        ),
        "format": Rule(Policy.SHOWN, "a file's content says what it is; customProperties (formats) say what is taken"),
        **_shown(
            "id server description environment customProperties account catalog catalogUrl database dataset "
            "endpointUrl host namespace path port project region regionName schema serviceName stagingDir stream "
            "warehouse workgroup"
        ),
        **_not_enforced(roles=_ACCESS),
    },
    "SchemaObject": {
        **_kept(
            name="the dataset and its table, in small letters",
            properties="the columns, in their order",
            quality="rules of the type library; see DataQuality",
            customProperties="the pipeline's own settings, for this table alone",
        ),
        **_shown(
            f"{_ABOUT} logicalType physicalType physicalName businessName dataGranularityDescription deprecated "
            "synonyms context"
        ),
        **_not_enforced(relationships="rows are not compared with those of other tables"),
    },
    "SchemaProperty": {
        **_kept(
            name="the column of the table, in small letters",
            physicalName="the column of a file, whatever its text; a file may use the name, too",
            logicalType="the type of the column; objects, arrays, maps and times are kept as text",
            physicalType="the type of the column, with its length and digits as checks",
            logicalTypeOptions="minLength, maxLength, pattern, minimum, maximum, format of dates and timestamps; the "
            "others are named by a preview",
            required="null is refused; a column of the key or of the partition is required anyway",
            primaryKey="what identifies a row: of rows with one key the first is kept, unless writeMode is append",
            primaryKeyPosition="the order of the key's columns; they come as they are written where it is left out",
            partitioned="the table has a folder for each value",
            partitionKeyPosition="the order of the folders; they come as the columns are written where it is left out",
            enum="no other value is taken",
            quality="rules of the type library; see DataQuality",
        ),
        **_shown(
            f"{_ABOUT} businessName deprecated synonyms semanticType encryptedName transformSourceObjects "
            "transformLogic transformDescription examples criticalDataElement"
        ),
        **_not_enforced(
            unique="only the primary key is checked for duplicates",
            classification=_ACCESS,
            relationships="values are not looked up in other tables",
            properties="a nested value is kept as text, and nothing in it is checked",
            items="a nested value is kept as text, and nothing in it is checked",
            map_="a nested value is kept as text, and nothing in it is checked",
        ),
    },
    OPTIONS: {
        **_kept(
            minLength="of text",
            maxLength="of text",
            pattern="of text: all of it, as Python's re reads it",
            minimum="of numbers, dates and timestamps",
            maximum="of numbers, dates and timestamps",
        ),
        **dict.fromkeys(
            sorted({option for options in STANDARD_OPTIONS.values() for option in options} - set(CHECKED)),
            Rule(Policy.NOT_ENFORCED, "no value is checked by it"),
        ),
    },
    "MapDefinition": _shown("key value"),
    "EnumValue": {**_kept(value="a value that is taken"), **_shown(f"{_ABOUT} label")},
    "DataQuality": {
        **_kept(
            type_="library: a batch that breaks the rule is quarantined; text is shown; sql and custom are not run",
            metric="rowCount, nullValues, invalidValues, duplicateValues",
            rule="what metric was called in version 3.0",
            unit="rows or percent",
            name="what a report calls the rule",
            **dict.fromkeys(
                (
                    *("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan"),
                    *("mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween"),
                ),
                "the threshold of the rule: a number, or two",
            ),
        ),
        **_shown(f"{_ABOUT} dimension method businessImpact"),
        **_not_enforced(
            severity="every rule that is enforced stops its batch",
            schedule="rules are checked with every batch",
            scheduler="rules are checked with every batch",
            arguments="a rule with arguments is not measured",
            query="it is not run on a batch",
            engine="it is not run on a batch",
            implementation="it is not run on a batch",
        ),
    },
    "ServiceLevelAgreementProperty": {
        **_kept(
            property="frequency and latency are watched by alarms, retention deletes rows, the others are shown",
            value="how often, or how long",
            unit="d, h, for latency also min, s and ms, for retention d, w, month, y, none beside P1Y",
            element="of retention: the date or timestamp column by which a row is old, alone or as table.column",
        ),
        **_shown("id description customProperties authoritativeDefinitions driver"),
        **_not_enforced(
            valueExt="an alarm watches one value",
            scheduler="alarms watch all the time",
            schedule="alarms watch all the time",
        ),
    },
    "CustomProperty": {**_kept(property="see customProperties", value="see customProperties")}
    | _shown("id description vendor"),
    "Team": _shown(f"{_ABOUT} name members"),
    "TeamMember": {
        **_kept(
            username="an e-mail address that gets messages, where customProperties have notify",
            dateOut="who has left is not shown, and gets none",
            customProperties="notify: the least severity of messages, or none; without it, none",
        ),
        **_shown("id description tags authoritativeDefinitions name role dateIn replacedByUsername"),
    },
    "Role": _shown("id role description access firstLevelApprovers secondLevelApprovers customProperties"),
    "Support": {
        **_kept(
            tool="slack and email get messages, others by e-mail if their url is mailto:",
            channel="of slack: its name, by which the stack's settings have a webhook; of email: an address",
            url="mailto: is an address that gets messages; https:// does where customProperties have notify",
            scope="notifications: all messages; issues, none: warning and worse; interactive, announcements: none",
            customProperties="notify: the least severity of messages, or none, whatever the scope",
        ),
        **_shown("id description invitationUrl"),
    },
    "Pricing": _shown("id priceAmount priceCurrency priceUnit"),
    "AuthoritativeDefinition": _shown("id url type description"),
    "Synonym": _shown("id synonym description locale source status customProperties"),
    "Relationship": _shown("id type from to customProperties"),
    "Context": _shown("instructions verifiedStatements constraints"),
    "VerifiedStatement": _shown("id question answer tags customProperties authoritativeDefinitions"),
    "Constraint": _shown("id constraint tags customProperties authoritativeDefinitions"),
}
"""By class of the standard's published model, and field. A field that is not here is not of the standard: refused."""


def table() -> str:
    """The policies as the table of docs/contracts.md."""
    lines = ["| object | field | policy | what it means here |", "|---|---|---|---|"]
    for model, fields in POLICIES.items():
        same: dict[Rule, list[str]] = {}
        for name, rule in fields.items():
            same.setdefault(rule, []).append(f"`{name}`")
        # What is only shown has nothing to be said of it, and comes last.
        lines += [
            f"| {model} | {', '.join(same[rule])} | {rule.policy} | {rule.reason} |"
            for rule in sorted(same, key=lambda rule: not rule.reason)
        ]
    return "\n".join(lines)


NOT_SAID = {("DataQuality", field) for field in ("arguments", "query", "engine", "implementation")}
"""Said of the whole rule, and so not of its fields."""


def notices(contract: OpenDataContractStandard, index: int, made: TablePlan) -> Iterator[str]:
    """What a contract says of a dataset that is not enforced: each field and reason once, with where it stands."""
    found: dict[tuple[str, str], list[str]] = {}
    for field, reason, where in _all(contract, index, made):
        found.setdefault((field, reason), []).append(where)
    for (field, reason), places in found.items():
        more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        yield f"{field}: {reason} ({', '.join(places[:NAMED])}{more})"


def _all(contract: OpenDataContractStandard, index: int, made: TablePlan) -> Iterator[tuple[str, str, str]]:
    yield from made.notices
    for where, rule, column in quality_rules(index, made.said):
        if reason := not_enforced(rule, column):
            yield "quality", reason, where
    for number, sla in enumerate(contract.slaProperties or []):
        where = f"slaProperties.{number} ({sla.property})"
        if sla.property == retention.RETENTION:
            continue
        if sla.property not in (FREQUENCY.name, LATENCY.name):
            yield "slaProperties", f"watched are {FREQUENCY.name} and {LATENCY.name}", where
        elif sla.property == LATENCY.name and (promised(contract, LATENCY) or 0) < LEAST_LATENCY_SECONDS:
            yield "slaProperties", "no file is published within a second: a shorter latency is not watched", where
        elif sla.element:
            yield "element", "an alarm watches a dataset as a whole", where
    for said in retention.retentions(contract, made):
        if said.not_enforced:
            yield "slaProperties", said.not_enforced, f"{said.where} ({retention.RETENTION})"
    yield from channels.told(contract).notices
    for place, custom in (("", contract), (f"schema.{index}.", made.said)):
        for item in custom.customProperties or []:
            if item.property not in CUSTOM_PROPERTIES:
                yield "customProperties", "not the pipeline's", f"{place}customProperties ({item.property})"
    top = contract.model_copy(update={"schema_": None})
    yield from _fields(top, "")
    yield from _fields(made.said, f"schema.{index}.")


def _fields(model: BaseModel, where: str) -> Iterator[tuple[str, str, str]]:
    """The fields of an object, and of those in it, that are given and not enforced."""
    policies = POLICIES[type(model).__name__]
    for attribute, info in type(model).model_fields.items():
        value = getattr(model, attribute)
        name = info.alias or attribute
        if value is None or value in ([], {}, False):
            continue
        rule = policies[name]
        if rule.policy is Policy.NOT_ENFORCED:
            if (type(model).__name__, name) not in NOT_SAID:
                yield name, rule.reason, f"{where}{name}" if where else name
        else:
            yield from _inside(value, f"{where}{name}")


def _inside(value: Any, where: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, BaseModel):
        yield from _fields(value, f"{where}.")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, BaseModel):
                yield from _fields(item, f"{where}.{number}.")
