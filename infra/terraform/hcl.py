"""Our Terraform files as values: python-hcl2's answer with its marks taken off.

python-hcl2 8 keeps quotation marks around strings and wraps expressions in `${...}`; a block is a mapping with
`__is_block__`, and stands in a list, for it may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2

INFRA = Path(__file__).resolve().parent.parent
MODULES = tuple(INFRA / cloud / stage for cloud in ("gcp", "azure") for stage in ("identities", "functions"))
IS_BLOCK = "__is_block__"
NOTES = "__"  # the parser's own keys begin so: __is_block__, __comments__


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource or a data source. address: `google_pubsub_topic.work`, `data.google_project.home`."""

    address: str
    file: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        return self.address.rpartition(".")[0]


@dataclass(slots=True)
class Module:
    """A folder of .tf files. declared: by address. variables, locals, outputs: by name."""

    declared: dict[str, Declared] = field(default_factory=dict)
    variables: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    locals: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: list[Mapping[str, Any]] = field(default_factory=list)


def read_module(folder: Path) -> Module:
    """Raises the parser's error, which names the line, for a file that is no HCL; ValueError for what is declared
    twice."""
    module = Module()
    for path in sorted(folder.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            _add(module, path.name, hcl2.load(file))
    return module


def _add(module: Module, file: str, parsed: Mapping[str, Any]) -> None:
    for prefix, section in (("", "resource"), ("data.", "data")):
        for type_, name, body in _labelled(parsed.get(section, ()), 2):
            _once(module.declared, f"{prefix}{type_}.{name}", Declared(f"{prefix}{type_}.{name}", file, body))
    for section, into in (("variable", module.variables), ("output", module.outputs)):
        for name, body in _labelled(parsed.get(section, ()), 1):
            _once(into, name, body)
    for each in parsed.get("locals", ()):
        for name, value in bare(each).items():
            _once(module.locals, name, value)
    module.settings += [bare(each) for each in parsed.get("terraform", ())]


def _once(into: dict[str, Any], name: str, value: Any) -> None:
    if name in into:
        raise ValueError(f"{name} is declared twice")
    into[name] = value


def _labelled(blocks: Any, labels: int) -> Iterator[tuple[Any, ...]]:
    for block in blocks:
        for label, body in block.items():
            if label.startswith(NOTES):
                continue
            if labels == 1:
                yield unquoted(label), bare(body)
            else:
                yield from ((unquoted(label), *rest) for rest in _labelled([body], labels - 1))


def bare(block: Mapping[str, Any]) -> dict[str, Any]:
    return {unquoted(name): value for name, value in block.items() if not name.startswith(NOTES)}


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def is_block(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and IS_BLOCK in value[0]


def blocks_of(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, body) of every block inside, at any depth; of a dynamic one, what it makes."""
    for name, each in children(body):
        yield name, each
        yield from blocks_of(each)


def children(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, body) of the blocks directly inside."""
    for name, value in body.items():
        if name == "dynamic":
            yield from ((label, bare(made["content"][0])) for label, made in _labelled(value, 1))
        elif is_block(value):
            yield from ((name, bare(each)) for each in value)


def texts(value: Any) -> Iterator[str]:
    """Every string inside, expressions too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts(name)
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)
