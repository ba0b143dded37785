"""Plain YAML, read as strictly as the Pulumi CLI reads it: text, numbers, true and false, lists, and mappings."""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.composer import Composer

MAX_DEPTH = 50
MAX_DIGITS = 100
"""Of a number; the longest that AWS knows, a decimal, has 38."""
MAX_VALUES = 200_000
"""Of a document, those of an alias wherever it is used: a few lines of aliases can stand for gigabytes."""

_PLAIN_FLOAT = re.compile(r"[+-]?[0-9]*\.[0-9]*([eE][+-][0-9]{1,4})?")
"""Neither infinite, nor no number, nor in base sixty."""

_YAML = "tag:yaml.org,2002:"
_PLAIN = {_YAML + kind for kind in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}


def load(text: str, *, aliases: bool) -> Any:
    """Read one document; without `aliases`, none may be in it.

    Raises:
        yaml.YAMLError: it is not plain; the problem that it names shows keys of the document, but no values.
    """
    loader = _Loader(text, aliases=aliases)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        for count, (node, depth) in enumerate(_nodes(root)):
            if depth > MAX_DEPTH:
                raise _too_deep(node.start_mark)
            if count == MAX_VALUES:
                raise _refused(node, f"more than {MAX_VALUES} values, those of aliases wherever they are used,")
            _check(node)
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        # libyaml's marks do not know the text that they are in, which people are shown.
        for name in ("context_mark", "problem_mark"):
            if (mark := getattr(error, name)) is not None:
                shown = yaml.Mark(mark.name, mark.index, mark.line, mark.column, f"{text}\0", mark.index)
                setattr(error, name, shown)
        raise


class Float(float):
    """A number with a point, and the text that it was written in: a decimal has more digits than a float."""

    text: str


class _Loader(Composer, yaml.CSafeLoader):
    """Says what PyYAML would not say, would say with a value, or would raise as an error of Python.

    libyaml takes the text apart, in an eighth of the time that PyYAML's own parser takes, and much as the Pulumi CLI
    does, whose parser is a port of libyaml's (go-yaml's README, 2026-11); nodes are composed here.
    """

    def __init__(self, text: str, *, aliases: bool) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._aliases, self._depth = aliases, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        assert event is not None
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if not self._aliases:
                raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
            if event.anchor not in self.anchors:
                problem = "an alias of nothing; a text that begins with * needs quotes;"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_deep(mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError):
            raise _refused(node, "neither a number nor what its tag says; a text like it needs quotes;") from None

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value = Float(super().construct_yaml_float(node))
        text = node.value.replace("_", "")
        value.text = text if _PLAIN_FLOAT.fullmatch(text) else repr(float(value))
        return value


_Loader.add_constructor(f"{_YAML}float", _Loader.construct_yaml_float)


def _nodes(node: yaml.Node, depth: int = 1) -> Iterator[tuple[yaml.Node, int]]:
    """Walk through a document as whoever uses it will: through an alias each time."""
    yield node, depth
    if isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for part in child if isinstance(node, yaml.MappingNode) else [child]:
                yield from _nodes(part, depth + 1)


def _check(node: yaml.Node) -> None:
    if node.tag == f"{_YAML}timestamp":
        raise _refused(node, "quotes are needed around the date")
    if node.tag not in _PLAIN:
        raise _refused(node, "could not determine a constructor for the tag; a text that begins with ! needs quotes;")
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    elif node.tag in (f"{_YAML}int", f"{_YAML}float") and len(node.value) > MAX_DIGITS:
        raise _refused(node, f"a number of {len(node.value)} digits, where {MAX_DIGITS} are allowed,")


def _check_keys(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused(key, "a key that is no text")
        if key.value in seen:
            raise _refused(key, f"{key.value!r} is there twice, the second time")
        seen.add(key.value)


def _too_deep(mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"nested too deeply, more than {MAX_DEPTH} levels,", problem_mark=mark)


def _refused(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
