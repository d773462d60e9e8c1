"""What applies where a key is left out: read off a configuration in which it was left out, so that it is what the code
applies and nothing that somebody wrote about it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.config import Channel, Config
from nephoscope.pipeline.wording import render_duration

T = TypeVar("T")

BARE = """\
fleet: acme
gather:
  aws: {regions: [eu-west-1, us-east-1], accounts: [{role: "arn:aws:iam::222222222222:role/reader"}]}
  gcp: {projects: [acme-web]}
  azure: {subscriptions: ["00000000-0000-0000-0000-000000000000"]}
rules:
  - {name: hot, on: instance, when: cpu.utilization > 90 %}
tell:
  hook: {webhook: "https://hook.example/", group_by: []}
quiet:
  - {every: "Sun 02:00-04:00"}
"""
"""Every section that has a default, with nothing in it that may be left out."""


@dataclass(frozen=True, slots=True)
class Default(Generic[T]):
    """of: what the configuration has. show: as it would be written."""

    of: Callable[[Config], T]
    show: Callable[[T], str]

    def applied(self, config: Config) -> str:
        return self.show(self.of(config))


def _list(words: Sequence[object]) -> str:
    return f"[{', '.join(map(str, words))}]"


def _flag(flag: object) -> str:
    return str(flag).lower()


def _hook(config: Config) -> Channel:
    return config.channels["hook"]


def _kinds(cloud: str) -> Default[Any]:
    return Default(lambda config: getattr(config.gather, cloud).resources, _list)


DEFAULTS: Mapping[tuple[str, str], Default[Any]] = {
    ("gather", "every"): Default(lambda config: config.gather.every, render_duration),
    ("gather", "blind_after"): Default(lambda config: config.blind_after, render_duration),
    ("gather", "grace"): Default(lambda config: config.grace, render_duration),
    ("gather.aws", "resources"): _kinds("aws"),
    ("gather.gcp", "resources"): _kinds("gcp"),
    ("gather.azure", "resources"): _kinds("azure"),
    ("accounts", "linked"): Default(lambda c: c.gather.aws and c.gather.aws.accounts[0].linked, _flag),
    ("publish.cloudwatch", "namespace"): Default(lambda config: config.publish.namespace, str),
    ("publish.cloudwatch", "distributions"): Default(lambda config: config.publish.distributions, _list),
    ("publish.cloudwatch", "detail"): Default(lambda config: config.publish.detail, str),
    ("rule", "missing"): Default(lambda config: config.rules[0].missing, str),
    ("rule", "severity"): Default(lambda config: config.rules[0].severity, str),
    ("channel", "format"): Default(lambda config: _hook(config).format, str),
    ("channel", "fallback"): Default(lambda config: _hook(config).fallback, _flag),
    ("channel", "max_age"): Default(lambda config: _hook(config).max_age, render_duration),
    ("channel", "group_wait"): Default(lambda config: _hook(config).group_wait, render_duration),
    ("channel", "group_interval"): Default(lambda config: _hook(config).group_interval, render_duration),
    ("quiet", "zone"): Default(lambda config: config.quiet[0].zone, str),
}
"""(section, key) -> its default. Keys that follow from others, as the dashboard's name from the fleet's, are not here:
their sentence says so."""


def read_defaults() -> Mapping[tuple[str, str], str]:
    """(section, key) -> what applies, as it would be written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nephoscope.yaml"
        path.write_text(BARE, encoding="utf-8")
        config = compile_file(path, {}).config
    return {key: default.applied(config) for key, default in DEFAULTS.items()}
