"""What a contract says to people: what a dataset is for, whose it is, and where to ask about it."""

from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, Support, Team, TeamMember


def about(contract: OpenDataContractStandard, table: SchemaObject) -> dict[str, Any]:
    """Say it as plain text, without what the contract does not say."""
    purpose = contract.description.purpose if contract.description else None
    found = {
        # What is said of the table is about it alone.
        "purpose": table.description or purpose,
        "domain": contract.domain,
        "product": contract.dataProduct,
        "team": _team(contract.team),
        "support": [text for support in contract.support or [] if (text := _support(support))],
    }
    return {name: value for name, value in found.items() if value}


def _team(team: Team | list[TeamMember] | None) -> list[str]:
    """The team's name, and its present members with their roles. Before ODCS 3.1 a team is a list, and has no name."""
    if team is None:
        return []
    members = team.members or [] if isinstance(team, Team) else team
    names = [team.name] if isinstance(team, Team) and team.name else []
    for member in members:
        name = member.name or member.username
        if name and not member.dateOut:
            names.append(f"{name} ({member.role})" if member.role else name)
    return names


def _support(support: Support) -> str:
    return ": ".join(filter(None, (support.channel, support.url)))
