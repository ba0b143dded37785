"""The plugin's generated files: its types of settings, from config/model.py, and its schema, from its components."""

import ast
import json
import types
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pulumi.provider.experimental.component import ComponentProvider
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.model import PipelineConfig
from ops.pages.generate import PageError
from recording.program import ROOT

SETTINGS_FILE = "plugin/settings.py"
SCHEMA_FILE = "schemas/plugin-schema.json"
WIDTH = 120
PLAIN = {bool: "bool", int: "int", str: "str", IPv4Network: "str"}
"""How a setting's type is said in a schema of Pulumi's; rules about values are config/'s to keep."""


def settings_file() -> str:
    """Write each section of the settings as a TypedDict, in an order in which each is known before it is used."""
    sections = "\n\n".join(_section(model) for model in sections_of(PipelineConfig))
    return (
        '"""The settings, as the analyzer reads them: `python -m ops.pages` makes it of config/model.py."""\n\n'
        f"from typing import NotRequired, TypedDict\n\n\n{sections}"
    )


def schema_file() -> str:
    """Write the schema that the plugin gives Pulumi, from which it makes the SDKs of other languages.

    Raises:
        PageError: it breaks programs that the one on disk does not, and the version does not say so.
    """
    from plugin.evolution import unannounced

    made, known = schema(), ROOT / SCHEMA_FILE
    if known.exists() and (found := unannounced(json.loads(known.read_text(encoding="utf-8")), made)):
        raise PageError(
            "\n".join([f"{SCHEMA_FILE}: programs in other languages would break:", *(f"  {one}" for one in found)])
            + "\nKeep what there is, or raise the version in pyproject.toml by its first number that is not zero."
        )
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """Make the schema of the components as they are."""
    # Imported late: it is made of the file above.
    from plugin.names import NAME
    from plugin.public import PUBLIC, version

    made: dict[str, Any] = _without_none(json.loads(ComponentProvider([*PUBLIC], NAME, version=version()).schema or ""))
    return made


def sections_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Find the sections below a section, and itself as the last; each once."""
    found: dict[type[BaseModel], None] = {}
    for field in model.model_fields.values():
        for section in _models(field.annotation):
            found |= dict.fromkeys(sections_of(section))
    return [*found, model]


def type_of(annotation: Any) -> str:
    """Say a field's type in words that Pulumi's analyzer knows; None is said by leaving a setting out.

    Raises:
        TypeError: nobody has said how.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_of(arguments[0])
    if origin is Literal:
        return type_of(type(arguments[0]))
    if origin in (Union, types.UnionType):
        (only,) = (argument for argument in arguments if argument is not types.NoneType)
        return type_of(only)
    if origin is tuple:
        return f"list[{type_of(arguments[0])}]"
    if origin is dict:
        return f"dict[{type_of(arguments[0])}, {type_of(arguments[1])}]"
    if annotation in PLAIN:
        return PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.__name__
    raise TypeError(f"{annotation}: say in ops/pages/plugin.py how Pulumi's schema says it")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _section(model: type[BaseModel]) -> str:
    lines = [f"class {model.__name__}(TypedDict):", f'    """{model.__doc__}"""', ""]
    for name, field in model.model_fields.items():
        kind = type_of(field.annotation)
        lines.append(f"    {name}: {kind if field.is_required() else f'NotRequired[{kind}]'}")
        if said := _description(field):
            lines += _docstring(said)
    return "\n".join(lines) + "\n"


def _description(field: FieldInfo) -> str:
    said, default = field.description or "", field.default
    if said and isinstance(default, bool | int | str):
        said += f" Default: {json.dumps(default)}."
    return said


def _docstring(text: str) -> list[str]:
    line, lines = '    """', []
    for word in text.split():
        if len(line) + len(word) + 4 > WIDTH:
            lines.append(line.rstrip())
            line = "    "
        line += f"{word} "
    lines = [*lines, f'{line.rstrip()}"""']
    assert ast.literal_eval("\n".join(lines).strip()).split() == text.split()
    return lines


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value
