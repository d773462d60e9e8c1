"""A file, checked and compiled: every problem at once, or what the functions and the deployment are built from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nephoscope.app.authoring.boards import draw_boards
from nephoscope.app.authoring.channels import read_channels
from nephoscope.app.authoring.deployment import plan_deployment
from nephoscope.app.authoring.document import Items, Keys, Text, parse_document
from nephoscope.app.authoring.figures import read_limits, read_prices
from nephoscope.app.authoring.findings import Findings, Place
from nephoscope.app.authoring.gathering import ALL, environment_region, read_aws, read_gather
from nephoscope.app.authoring.gathering_azure import read_azure
from nephoscope.app.authoring.gathering_gcp import read_gcp
from nephoscope.app.authoring.given import STARTER, given_rules, starter_text
from nephoscope.app.authoring.homes import Homes, read_homes
from nephoscope.app.authoring.including import include_rules, read_text
from nephoscope.app.authoring.keepers import check_keepers, check_kept_in_reach
from nephoscope.app.authoring.keeping import read_elasticsearch
from nephoscope.app.authoring.pages import read_page
from nephoscope.app.authoring.publishing import read_publish
from nephoscope.app.authoring.reading import items_of, keys_of, read_section, text_of
from nephoscope.app.authoring.rules import Surroundings, read_rules
from nephoscope.app.authoring.shape import FILE
from nephoscope.app.authoring.telling import read_quiet, read_routes
from nephoscope.app.config import dump_config
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.config import Channel, Config, Gather, GatherAws, PublishCloudWatch, PublishElasticsearch
from nephoscope.model.errors import ConfigError, Problem
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Cloud
from nephoscope.model.time import HOUR
from nephoscope.pipeline.need import metrics_of
from nephoscope.pipeline.partials import group_rules

_FLEET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Compiled:
    """config: for the artifact. deploy: for serverless.yml, plain JSON values. warnings: odd, but allowed."""

    config: Config
    warnings: tuple[Problem, ...]
    deploy: Mapping[str, Any]


def compile_file(
    path: Path | str, environment: Mapping[str, str] = os.environ, catalog: Catalog | None = None
) -> Compiled:
    """Check and compile one file. Raises ConfigError with every problem in it and in the files it includes.

    environment: AWS_REGION or AWS_DEFAULT_REGION stands in where the file names no region.
    """
    findings = Findings()
    path = Path(path)
    text = read_text(path, findings)
    understood = None
    if text is not None:
        understood = _compile(text, path, environment, catalog or load_catalog(), findings)
    if findings.problems or understood is None:
        raise ConfigError(findings.problems)
    return Compiled(understood[0], tuple(sorted(findings.warnings)), plan_deployment(*understood))


def build(path: Path | str, out: Path | str, environment: Mapping[str, str] = os.environ) -> Compiled:
    """Compile, and write `config.json` and `deploy.json` into the folder `out`, and the dashboards that are deployed
    with them. Raises ConfigError; OSError where nothing can be written."""
    compiled = compile_file(path, environment)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(dump_config(compiled.config), encoding="utf-8")
    deploy = json.dumps(compiled.deploy, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    (out / "deploy.json").write_text(deploy, encoding="utf-8")
    for name, drawn in draw_boards(compiled.config, load_catalog()).items():
        (out / name).write_text(drawn, encoding="utf-8")
    return compiled


def _compile(
    text: str, path: Path, environment: Mapping[str, str], catalog: Catalog, findings: Findings
) -> tuple[Config, Homes] | None:
    node = parse_document(text, str(path), findings)
    if findings.problems and node is None:
        return None
    if node is None or (isinstance(node, Text) and node.nothing):
        said = "the file is empty; it needs at least `fleet: NAME` and `gather: {aws: {regions: [eu-west-1]}}`"
        findings.problem(Place(str(path), 1, 1), said)
        return None
    keys = read_section(node, FILE, findings)
    if keys is None:
        return None
    config = _Compiler(keys, path, environment, catalog, findings).config()
    return config, read_homes(keys_of(keys, "deploy"), config.gather.kinds, findings)


def _in_logs_only(metric: Metric, gather: Gather) -> bool:
    """Whether Azure keeps it in logs, and the configuration names no workspace."""
    source = metric.sources.get(Cloud.AZURE)
    return source is not None and not gather.reaches(source)


class _Compiler:
    """The sections in the order in which they need each other."""

    def __init__(
        self, keys: Keys, path: Path, environment: Mapping[str, str], catalog: Catalog, findings: Findings
    ) -> None:
        self._keys = keys
        self._path = path
        self._environment = environment
        self._catalog = catalog
        self._findings = findings

    def config(self) -> Config:
        fleet = self._fleet()
        gather, blind_after, grace = self._gather()
        publish = self._publish(fleet, gather.aws)
        channels = read_channels(keys_of(self._keys, "tell"), self._findings)
        check_keepers(keys_of(self._keys, "tell"), gather.functions, self._findings)
        rules = self._rules(gather, channels)
        self._warn(gather, publish, channels, rules)
        rules = (*rules, *given_rules(blind_after, gather, channels.values()))
        names = [rule.name for rule in rules]
        return Config(
            fleet=fleet,
            gather=gather,
            publish=publish,
            rules=rules,
            channels=channels,
            routes=read_routes(items_of(self._keys, "routes"), self._channel_names(), self._findings),
            quiet=read_quiet(items_of(self._keys, "quiet"), names, self._findings),
            blind_after=blind_after,
            grace=grace,
            limits=read_limits(keys_of(self._keys, "limits"), self._catalog.limits, self._findings),
            prices=read_prices(keys_of(self._keys, "prices"), self._catalog.prices, self._findings),
            page=read_page(text_of(self._keys, "page"), self._findings),
            history=self._history(gather),
        )

    def _fleet(self) -> str:
        text = text_of(self._keys, "fleet")
        if text and not _FLEET.fullmatch(text.value):
            said = f'fleet: "{text.value}" may have letters, digits, - and _ only, 64 at most'
            self._findings.problem(text.place, said)
        return text.value if text else ""

    def _gather(self) -> tuple[Gather, int, int]:
        keys = keys_of(self._keys, "gather")
        if keys is None:
            return Gather(), 300, 600
        if not any(keys.wrote(cloud) for cloud in Cloud):
            self._findings.problem(keys.place, "gather: no cloud; write at least `aws: {regions: [eu-west-1]}`")
        every, blind_after, grace = read_gather(keys, self._findings)
        aws, gcp, azure = (keys_of(keys, cloud) for cloud in Cloud)
        gather = Gather(
            every,
            aws=read_aws(aws, self._environment, self._findings) if aws else None,
            gcp=read_gcp(gcp, self._findings) if gcp else None,
            azure=read_azure(azure, self._findings) if azure else None,
        )
        self._check_schedule(keys, gather)
        return gather, blind_after, grace

    def _check_schedule(self, keys: Keys, gather: Gather) -> None:
        """Cloud Scheduler and Azure's timers know minutes of an hour, and no period that runs across its end."""
        text, elsewhere = text_of(keys, "every"), set(gather.kinds).difference((Cloud.AWS, *gather.from_aws))
        if text and elsewhere and HOUR % gather.every:
            said = f"every: {text.value} does not divide an hour, and Google's and Azure's schedules need that"
            self._findings.problem(text.place, said)

    def _publish(self, fleet: str, aws: GatherAws | None) -> PublishCloudWatch:
        """Without AWS in `gather` the region must be written: a build's environment says nothing of a dashboard."""
        keys = keys_of(keys_of(self._keys, "publish"), "cloudwatch")
        regions = (*aws.regions, environment_region(self._environment)) if aws else ()
        publish = read_publish(keys, fleet, regions, self._catalog.metrics, self._findings)
        if not publish.region and (why := self._why_region(aws, keys)):
            said = f"publish.cloudwatch: no region; {why} say where the dashboard is, region: eu-west-1"
            self._findings.problem((keys or self._keys).place, said)
        return publish

    def _history(self, gather: Gather) -> PublishElasticsearch | None:
        keys = keys_of(keys_of(self._keys, "publish"), "elasticsearch")
        if keys is None:
            return None
        check_kept_in_reach(keys, gather.functions, self._findings)
        return read_elasticsearch(keys, self._path.parent, self._catalog.reachable(gather), self._findings)

    def _why_region(self, aws: GatherAws | None, keys: Keys | None) -> str:
        """What makes the region necessary; empty where the file has another mistake that explains its want."""
        if aws:
            return "with regions: all" if aws.regions == (ALL,) else ""
        gather = keys_of(self._keys, "gather")
        elsewhere = gather and not gather.wrote("aws") and (gather.wrote("gcp") or gather.wrote("azure"))
        return "without gather.aws" if elsewhere and not (keys and keys.wrote("region")) else ""

    def _rules(self, gather: Gather, channels: Mapping[str, Channel]) -> tuple[Rule, ...]:
        around = Surroundings(
            metrics=self._catalog.reachable(gather),
            in_logs=frozenset(name for name, row in self._catalog.metrics.items() if _in_logs_only(row, gather)),
            gathered=gather.kinds,
            channels=channels,
            channel_names=self._channel_names(),
            routed=self._keys.wrote("routes"),
        )
        node = self._keys.get("rules")
        if node is not None:
            return read_rules(include_rules(node, self._path.parent, self._findings), around, self._findings)
        return () if self._keys.wrote("rules") else self._starter(around)

    def _starter(self, around: Surroundings) -> tuple[Rule, ...]:
        """The starter rules on what is gathered, as far as some cloud there can tell."""
        items = parse_document(starter_text(), STARTER, self._findings)
        if not isinstance(items, Items) or Kind.INSTANCE not in around.kinds:
            return ()
        rules = read_rules(items, around, self._findings, origin="starter")
        return tuple(rule for rule in rules if around.looking(rule.on, rule.when))

    def _channel_names(self) -> tuple[str, ...]:
        """Names as they were written, so that a rule may tell a channel that has a mistake of its own."""
        keys = keys_of(self._keys, "tell")
        return tuple(name.value for name, _ in keys.entries) if keys else ()

    def _check_groups(self, gather: Gather, rules: tuple[Rule, ...]) -> None:
        """AWS's function judges the groups of all clouds, for the memory is its own account's; without one, each judges
        those of its own cloud, and may not read what the others have noted."""
        alone = Cloud.AWS in gather.functions or len(gather.functions) < 2
        over = [rule for rule in group_rules(rules) if "cloud_provider" not in rule.by]
        if over and not alone and (node := self._keys.get("rules")):
            said = f"{over[0].name}: a group over several clouds needs gather.aws; add cloud_provider to `by`"
            self._findings.problem(node.place, said)

    def _warn(
        self, gather: Gather, publish: PublishCloudWatch, channels: Mapping[str, Channel], rules: tuple[Rule, ...]
    ) -> None:
        if not channels and not self._keys.wrote("tell"):
            said = "no channel under `tell`: alerts are shown, and told to nobody"
            self._findings.warning(self._keys.place, said)
        keys = keys_of(keys_of(self._keys, "publish"), "cloudwatch")
        unread = sorted(set(publish.distributions) - metrics_of(rules))
        if unread and (key := keys.key("distributions") if keys else None):
            said = f"distributions: no rule reads {', '.join(unread)}: nothing is published of what is not read"
            self._findings.warning(key.place, said)
        self._check_groups(gather, rules)
        only_aws = set(gather.kinds) == {Cloud.AWS}
        if publish.detail == "resource" and only_aws and (text := text_of(keys, "detail")):
            said = "detail: AWS has a series for each resource already; `resource` adds none"
            self._findings.warning(text.place, said)
