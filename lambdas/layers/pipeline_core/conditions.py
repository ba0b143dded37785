"""Conditions of DynamoDB calls, written so that threads can share a table.

A `Table` of boto3 writes condition objects with one builder for all calls, which each call resets. Two threads that do
so at once can get the same placeholder for two attributes: then a condition asks for one of them twice, and for the
other not at all (boto3 1.43, dynamodb/transform.py: `TransformationInjector`). Here every call has a builder.
"""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder


def expressions(
    *,
    key: ConditionBase | None = None,
    condition: ConditionBase | None = None,
    filtered: ConditionBase | None = None,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the arguments of a call with its conditions as text, and the names and values that they speak of.

    Args:
        key: of a query, on its key.
        condition: of a write.
        filtered: of a query, on what else an item has.
        names: placeholders of names that the call's other expressions use.
        values: placeholders of values that they use.

    Example:
        >>> from boto3.dynamodb.conditions import Key
        >>> expressions(key=Key("pk").eq("pauses"))["KeyConditionExpression"]
        '#n0 = :v0'
    """
    builder = ConditionExpressionBuilder()
    said = {"KeyConditionExpression": key, "ConditionExpression": condition, "FilterExpression": filtered}
    arguments: dict[str, Any] = {}
    all_names, all_values = dict(names or {}), dict(values or {})
    for argument, one in said.items():
        if one is not None:
            built = builder.build_expression(one, is_key_condition=one is key)
            arguments[argument] = built.condition_expression
            all_names |= built.attribute_name_placeholders
            all_values |= built.attribute_value_placeholders
    placeholders = {"ExpressionAttributeNames": all_names, "ExpressionAttributeValues": all_values}
    return arguments | {argument: found for argument, found in placeholders.items() if found}
