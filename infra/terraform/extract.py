"""The schema excerpt of the Terraform providers, from npm packages that carry their schemas as TypeScript declarations.

    npm pack @cdktf/provider-google@16.12.1 @cdktf/provider-azurerm@14.23.1 @cdktf/provider-azuread@14.3.1
    for each: mkdir NAME && tar xzf cdktf-provider-NAME-*.tgz -C NAME          (google, azurerm, azuread)
    python -m infra.terraform.extract FOLDER                                   writes schema.json beside this file

Only the types that our .tf files use are taken. Declarations look like this, and each comment names the argument as
Terraform writes it:

    export interface StorageQueueConfig extends ... {
      /** ... #storage_account_name StorageQueue#storage_account_name} */
      readonly storageAccountName?: string;                      a question mark: may be left out
      /** metadata block ... */
      readonly metadata?: StorageQueueMetadata[] | cdktf.IResolvable;   a block; [] or IResolvable: may be repeated

What a resource exports stands further down as getters of its class (`get uniqueId(): string`). In the excerpt an
argument is its type (`string`, `number`, `bool`, `list`, `map`), with `!` where it is required; a block is an object
whose `#` says how often it may stand there. Of a block that none of our files uses, `#` is all that is kept.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from infra.terraform.hcl import MODULES, blocks_of, read_module

SCHEMA = Path(__file__).with_name("schema.json")
INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(r"/\*\*(?P<comment>.*?)\*/\s*readonly (?P<name>\w+)(?P<may>\??): (?P<kind>[^;]*);", re.DOTALL)
WRITTEN = re.compile(r"#(\w+) \w+#\1\}")
VERSION = re.compile(r"/providers/[\w-]+/[\w-]+/([\d.]+)/docs")
GETTER = re.compile(r"^    get (\w+)\(\): ", re.MULTILINE)
OWN_CLASS = re.compile(r"^export declare class \w+ extends cdktf\.Terraform(?:Resource|DataSource) \{", re.MULTILINE)
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NOT_TAKEN = ("timeouts", "id")  # the one is Terraform's own, the other is never set


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    written = json_text(extract(Path(arguments[0])))
    SCHEMA.write_text(written, encoding="utf-8")
    print(f"{SCHEMA}: {len(written):,} bytes")
    return 0


def json_text(schema: Mapping[str, Any]) -> str:
    """A type a line, so that a difference can be read."""
    dumps = partial(json.dumps, sort_keys=True, separators=(",", ":"))
    types = ",\n".join(f"{dumps(name)}:{dumps(each)}" for name, each in sorted(schema["types"].items()))
    return f'{{"providers":{dumps(schema["providers"])},\n"types":{{\n{types}\n}}}}\n'


def extract(folder: Path) -> dict[str, Any]:
    """{"providers": {name: version}, "types": {type: {"arguments": ..., "exports": [...]}}} for the types that our
    modules declare. Raises FileNotFoundError for one that the provider does not have."""
    providers: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, blocks in used().items():
        provider, text = _declaration(folder, name)
        providers[provider] = VERSION.findall(text)[0]
        found[name] = _describe(text, blocks)
    return {"providers": providers, "types": found}


def used() -> dict[str, set[str]]:
    """The types that our modules declare -> the names of the blocks that they use, at any depth."""
    types: dict[str, set[str]] = {}
    for module in MODULES:
        for declared in read_module(module).declared.values():
            types.setdefault(declared.type, set()).update(name for name, _ in blocks_of(declared.body))
    return types


def _declaration(folder: Path, name: str) -> tuple[str, str]:
    kind = name.removeprefix("data.")
    provider, _, rest = kind.partition("_")
    own = kind if name != kind else rest
    place = ("data-" if name != kind else "") + own.replace("_", "-")
    return provider, (folder / provider / "package" / "lib" / place / "index.d.ts").read_text(encoding="utf-8")


def _describe(text: str, blocks: Collection[str]) -> dict[str, Any]:
    interfaces = dict(INTERFACE.findall(text))
    config = next(name for name in interfaces if name.endswith("Config"))
    arguments = _arguments(config, interfaces, blocks)
    own = OWN_CLASS.split(text)[1]
    exports = {_snake(name) for name in GETTER.findall(own) if not name.endswith("Input")}
    return {"arguments": arguments, "exports": sorted(exports - set(arguments) - {"timeouts"})}


def _arguments(interface: str, interfaces: Mapping[str, str], blocks: Collection[str]) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for member in MEMBER.finditer(interfaces[interface]):
        written = WRITTEN.findall(member["comment"])
        name = written[0] if written else _snake(member["name"])
        if name not in NOT_TAKEN:
            described[name] = _kind(name, member, interfaces, blocks)
    return described


def _kind(name: str, member: re.Match[str], interfaces: Mapping[str, str], blocks: Collection[str]) -> Any:
    required = "" if member["may"] else "!"
    kind = member["kind"]
    inner = re.match(r"\w+", kind)
    if inner and inner[0] in interfaces:
        many = "[]" in kind
        how_often = ("1+" if required else "0+") if many else ("1" if required else "0-1")
        return {"#": how_often, **(_arguments(inner[0], interfaces, blocks) if name in blocks else {})}
    if "[]" in kind:
        return f"list{required}"
    plain = {"string": "string", "number": "number", "boolean": "bool", "{": "map"}
    return f"{plain[inner[0] if inner else '{']}{required}"


def _snake(name: str) -> str:
    return HUMP.sub("_", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
