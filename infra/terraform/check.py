"""Our Terraform files against the providers' schemas, without Terraform and without a network.

    python -m infra.terraform.check          says what is wrong, one finding a line; exit code 1 if anything is

`terraform validate` asks the providers themselves, which must be downloaded first. What it would find most often is
found here: an argument or block that the type does not have, one that is missing, a block written as an argument or the
other way round, a reference to what is not declared or to what a resource does not export.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.terraform.hcl import INFRA, MODULES, Declared, Module, children, is_block, read_module, texts, unquoted

SCHEMA = Path(__file__).with_name("schema.json")
OF_TERRAFORM = ("count", "for_each", "depends_on", "provider")
BLOCKS_OF_TERRAFORM = ("lifecycle", "timeouts", "provisioner", "connection")
REFERENCE = re.compile(r"((?:data\.)?(?:google|azurerm|azuread)_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")
NAMED = re.compile(r"(?<![\w.])(var|local)\.(\w+)")
MOST_ONCE = ("0-1", "1")


def main() -> int:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    findings = [f"{folder.relative_to(INFRA)}: {each}" for folder in MODULES for each in check(folder, schema)]
    for finding in findings:
        print(finding)
    return min(len(findings), 1)


def check(folder: Path, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong in a module, in the order of its declarations. Raises what read_module raises."""
    module = read_module(folder)
    findings = [*_versions(module, schema)]
    for declared in module.declared.values():
        where = f"{declared.file}: {declared.address}"
        known = schema["types"].get(declared.type)
        if known is None:
            findings.append(f"{where}: the schema has no {declared.type}{_like(declared.type, schema['types'])}")
            continue
        findings += [f"{where}: {each}" for each in _body(declared.body, known["arguments"], OF_TERRAFORM)]
    return findings + list(_references(module, schema["types"]))


def _versions(module: Module, schema: Mapping[str, Any]) -> Iterator[str]:
    """A module must ask for the very providers whose schemas it was checked against."""
    for settings in module.settings:
        for asked in settings.get("required_providers", ()):
            for name, wanted in asked.items():
                have = schema["providers"].get(name)
                if isinstance(wanted, Mapping) and unquoted(wanted["version"]) != have:
                    yield f"provider {name}: {unquoted(wanted['version'])} is asked for, the schema is of {have}"


# --- arguments and blocks ----------------------------------------------------------------------------------------


def _body(body: Mapping[str, Any], known: Mapping[str, Any], also: Collection[str] = ()) -> Iterator[str]:
    arguments = {name: value for name, value in body.items() if not is_block(value) and name != "dynamic"}
    blocks = [(name, inner) for name, inner in children(body) if name not in BLOCKS_OF_TERRAFORM]
    for name, value in arguments.items():
        if name not in also:
            yield from _argument(name, value, known)
    for name, inner in blocks:
        yield from _block(name, inner, known)
    yield from _missing({*arguments, *(name for name, _ in blocks)}, known)
    # A dynamic block may be made any number of times; those written out are counted.
    for name, times in Counter(name for name, _ in blocks).items():
        if times > 1 and isinstance(known.get(name), Mapping) and known[name]["#"] in MOST_ONCE:
            yield f"block {name} stands there {times} times; once is all"


def _argument(name: str, value: Any, known: Mapping[str, Any]) -> Iterator[str]:
    kind = known.get(name)
    if kind is None or name == "#":
        yield f'unknown argument "{name}"{_like(name, known)}'
    elif isinstance(kind, Mapping):
        yield f'"{name}" is a block, not an argument: {name} {{ ... }} without ='
    elif isinstance(value, list) != kind.startswith("list") and not _computed(value):
        yield f'"{name}" must be a {kind.rstrip("!")}'


def _computed(value: Any) -> bool:
    """An expression, whose type nobody knows before it runs; or a string, number or map as it is written."""
    return not isinstance(value, list) and str(value).startswith("${")


def _block(name: str, inner: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    kind = known.get(name)
    if kind is None:
        yield f'unknown block "{name}"{_like(name, known)}'
    elif not isinstance(kind, Mapping):
        yield f'"{name}" is an argument, not a block: {name} = ...'
    elif len(kind) == 1:
        yield f'of block "{name}" the schema excerpt holds nothing: make it anew (infra/terraform/extract.py)'
    else:
        yield from (f"{name}: {each}" for each in _body(inner, kind))


def _missing(written: Collection[str], known: Mapping[str, Any]) -> Iterator[str]:
    for name, kind in known.items():
        if name in written or name == "#":
            continue
        if isinstance(kind, Mapping) and kind["#"] in ("1", "1+"):
            yield f'missing block "{name}"'
        elif isinstance(kind, str) and kind.endswith("!"):
            yield f'missing argument "{name}"'


# --- references --------------------------------------------------------------------------------------------------


def _references(module: Module, types: Mapping[str, Any]) -> Iterator[str]:
    declared = {"var": module.variables, "local": module.locals}
    for where, value in _places(module):
        for text in texts(value):
            for kind, name in NAMED.findall(text):
                if name not in declared[kind]:
                    yield f"{where}: {kind}.{name} is not declared{_like(name, declared[kind])}"
            for type_, name, attribute in REFERENCE.findall(text):
                yield from (f"{where}: {each}" for each in _reference(type_, name, attribute, module, types))


def _places(module: Module) -> Iterator[tuple[str, Any]]:
    yield from ((f"{each.file}: {each.address}", each.body) for each in module.declared.values())
    yield from ((f"local.{name}", value) for name, value in module.locals.items())
    yield from ((f"output {name}", value) for name, value in module.outputs.items())


def _reference(type_: str, name: str, attribute: str, module: Module, types: Mapping[str, Any]) -> Iterator[str]:
    target: Declared | None = module.declared.get(f"{type_}.{name}")
    if target is None:
        yield f"{type_}.{name} is not declared{_like(f'{type_}.{name}', module.declared)}"
    elif attribute and type_ in types:
        gives = {*types[type_]["arguments"], *types[type_]["exports"], "id"}
        if attribute not in gives:
            yield f'{type_}.{name} has no "{attribute}"{_like(attribute, gives)}'


def _like(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


if __name__ == "__main__":
    sys.exit(main())
