"""The rules that a story is about: of a configuration, the starter rules, or a list in the story itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.authoring.document import Items, Node, Text, parse_document
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.given import STARTER, starter_text
from nephoscope.app.authoring.including import include_rules
from nephoscope.app.authoring.reading import describe
from nephoscope.app.authoring.rules import Surroundings, read_rules
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Channel, Config, Gather, GatherAws, GatherAzure, GatherGcp, PublishCloudWatch
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Rule

STARTER_WORD = "starter"

EVERYONE = Channel("everyone", sns="arn:aws:sns:eu-west-1:111111111111:everyone")
"""Who is told in stories about rules without a configuration."""

_KINDS = (Kind.INSTANCE, Kind.BUCKET)
_UUID = "00000000-0000-0000-0000-000000000000"
_BARE = Config(
    "story",
    Gather(
        60,
        GatherAws(("eu-west-1",), resources=_KINDS),
        GatherGcp(("story-project",), resources=_KINDS),
        GatherAzure((_UUID,), workspaces=(_UUID,), resources=_KINDS),
    ),
    PublishCloudWatch("eu-west-1", "story"),
    channels={EVERYONE.name: EVERYONE},
)
"""Everything is gathered everywhere."""


@dataclass(slots=True)
class Rulebook:
    """Finds the configuration of each story, each file compiled once. default: where a story names none; raises
    ConfigError or whatever says that there is none."""

    default: Callable[[], Config]
    environment: Mapping[str, str] = field(default_factory=dict)
    _known: dict[Path, Config | None] = field(default_factory=dict)
    _default: Config | None = None

    def config(self, node: Node | None, beside: Path, findings: Findings) -> Config | None:
        """None: it has problems, which are noted. beside: the folder that paths start from."""
        if node is None:
            self._default = self._default or self.default()
            return self._default
        if isinstance(node, Items) or (isinstance(node, Text) and node.include):
            return bare_config(include_rules(node, beside, findings), findings)
        if not isinstance(node, Text) or node.nothing:
            said = f"rules: expected a configuration's path, {STARTER_WORD}, or a list of rules, found {describe(node)}"
            findings.problem(node.place, said)
            return None
        if node.value == STARTER_WORD:
            return starter_config()
        return self._compiled(beside / node.value, node, findings)

    def _compiled(self, path: Path, node: Text, findings: Findings) -> Config | None:
        if path not in self._known:
            self._known[path] = None
            if not path.exists():
                findings.problem(node.place, f"rules: there is no {path}")
                return None
            try:
                self._known[path] = compile_file(path, self.environment).config
            except ConfigError as error:
                findings.problems += error.problems
        return self._known[path]


def bare_config(items: Items, findings: Findings) -> Config:
    """These rules, told to one channel that is called `everyone`, wherever something is gathered."""
    return _with(_read(items, findings, "user"))


def starter_config() -> Config:
    """All starter rules, those of every cloud."""
    findings = Findings()
    items = parse_document(starter_text(), STARTER, findings)
    rules = _read(items, findings, "starter") if isinstance(items, Items) else ()
    if findings.problems:
        raise ConfigError(findings.problems)
    return _with(rules)


def _read(items: Items, findings: Findings, origin: str) -> tuple[Rule, ...]:
    around = Surroundings(load_catalog().metrics, _BARE.gather.kinds, _BARE.channels, tuple(_BARE.channels))
    return read_rules(items, around, findings, origin)


def _with(rules: tuple[Rule, ...]) -> Config:
    return Config(_BARE.fleet, _BARE.gather, _BARE.publish, rules, _BARE.channels)
