"""The published JSON Schema and the commented example: both true to what the check accepts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest
import yaml
from jsonschema import Draft7Validator

from nephoscope.app.authoring.__main__ import main
from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.authoring.patterns import AWS_REGION, AZURE_LOCATION, GCP_REGION
from nephoscope.app.authoring.regions import known_regions
from nephoscope.app.authoring.schema import SCHEMA_FILE, render_schema
from nephoscope.model.observation import OBSERVATIONS
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "nephoscope.yaml"
WHOLE = ROOT / "tests" / "golden" / "config" / "nephoscope.yaml"

SCHEMA = Draft7Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


class EditorsLoader(yaml.SafeLoader):
    """YAML 1.2, as editors read it: `on` and `off` are texts, only true and false are booleans."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the parent's own class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


EditorsLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def as_an_editor_reads(text: str) -> Any:
    return yaml.load(text, EditorsLoader)  # noqa: S506 - a SafeLoader


def switched_on(text: str) -> str:
    """The example with every line in use that is switched off: # and no space behind it, or an indented key."""
    return re.sub(r"^#(?=  |[a-z])", "", text, flags=re.MULTILINE)


def test_the_schema_in_the_package_is_the_one_that_is_rendered() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema()
    assert main(["--schema", "--check"]) == 0


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA.schema)


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE.read_text(encoding="utf-8"),
        switched_on(EXAMPLE.read_text(encoding="utf-8")),
        WHOLE.read_text(encoding="utf-8"),
        "fleet: acme\ngather: {aws: }\n",
        "fleet: acme\ngather: {aws: {}}\nrules: rules/*.yaml\n",  # as an editor sees !include
        "fleet: acme\ngather: {gcp: {projects: [acme-web], from_aws: {provider: //iam.googleapis.com/projects/1/"
        "locations/global/workloadIdentityPools/pool/providers/lambda, "
        "service_account: 1-compute@developer.gserviceaccount.com}}}",
    ],
)
def test_it_accepts_what_is_right(text: str) -> None:
    assert [error.message for error in SCHEMA.iter_errors(as_an_editor_reads(text))] == []


def whole() -> Any:
    return as_an_editor_reads(WHOLE.read_text(encoding="utf-8"))


UUID = "00000000-0000-0000-0000-000000000000"
POOL = "projects/123456789012/locations/global/workloadIdentityPools/nephoscope"
ENTRY = {"provider": f"{POOL}/providers/aws-lambda", "service_account": "nephoscope@acme-ops.iam.gserviceaccount.com"}

PLANTED: list[tuple[str, Callable[[Any], object]]] = [
    ("no fleet", lambda c: c.pop("fleet")),
    ("no gather", lambda c: c.pop("gather")),
    ("unknown key", lambda c: c.update(ruels=[])),
    ("later key", lambda c: c.update(mute=[])),
    ("a key of a cloud's later version", lambda c: c["gather"].update(gcp={"regions": ["europe-west1"]})),
    ("a project that is a number", lambda c: c["gather"].update(gcp={"projects": ["123456789012"]})),
    ("a search elsewhere", lambda c: c["gather"].update(gcp={"search": "acme.example"})),
    ("a subscription by name", lambda c: c["gather"].update(azure={"subscriptions": ["production"]})),
    ("a workspace by name", lambda c: c["gather"].update(azure={"workspaces": ["logs"]})),
    ("a pool without its provider", lambda c: c["gather"].update(gcp={"from_aws": {**ENTRY, "provider": POOL}})),
    ("a person's address", lambda c: c["gather"].update(gcp={"from_aws": {**ENTRY, "service_account": "a@b.example"}})),
    ("half an entry", lambda c: c["gather"].update(azure={"from_aws": {"tenant": UUID}})),
    ("a tenant by name", lambda c: c["gather"].update(azure={"from_aws": {"tenant": "acme.example", "client": UUID}})),
    ("fleet with blanks", lambda c: c.update(fleet="my fleet")),
    ("a period that is none", lambda c: c["gather"].update(every="often")),
    ("no account", lambda c: c["gather"]["aws"].update(accounts=[])),
    ("an account that is a number", lambda c: c["gather"]["aws"].update(accounts=[222222222222])),
    ("an unknown kind", lambda c: c["gather"]["aws"].update(resources=["server"])),
    ("a literal external id", lambda c: c["gather"]["aws"]["accounts"][2].update(external_id="s3cret")),
    ("tags of a wrong form", lambda c: c["gather"]["aws"].update(where={"env": "prod"})),
    ("rules by name", lambda c: c.update(rules={"hot": {}})),
    ("a rule without when", lambda c: c["rules"][0].pop("when")),
    ("a rule on a server", lambda c: c["rules"][0].update(on="server")),
    ("an unknown severity", lambda c: c["rules"][0].update(severity="fatal")),
    ("an unknown treatment", lambda c: c["rules"][0].update(missing="notbreaching")),
    ("a rule name with blanks", lambda c: c["rules"][0].update(name="cpu hot")),
    ("a page that is none", lambda c: c["rules"][0].update(runbook="wiki/cpu")),
    ("a group that is a number", lambda c: c["rules"][0].update(by=[5])),
    ("an unknown format", lambda c: c["tell"]["chat"].update(format="team")),
    ("a literal key", lambda c: c["tell"]["chat"].update(secret="whsec_abc")),
    ("a flag that is a word", lambda c: c["tell"]["last"].update(fallback="sometimes")),
    ("an unknown exception", lambda c: c["tell"]["chat"].update(allow=["all"])),
    ("a home in a zone", lambda c: c.update(deploy={"gcp": {"region": "europe-west1-b"}})),
    ("a location as people say it", lambda c: c.update(deploy={"azure": {"location": "West Europe"}})),
    ("a state elsewhere", lambda c: c.update(deploy={"gcp": {"state": "s3://acme-state"}})),
    ("a channel in place of mail", lambda c: c.update(deploy={"notify": ["oncall"]})),
    ("a price that is a word", lambda c: c.update(prices={"cloudwatch.request": {"usd": "cheap"}})),
]


@pytest.mark.parametrize("plant", [plant for _, plant in PLANTED], ids=[name for name, _ in PLANTED])
def test_it_refuses_planted_errors(plant: Callable[[Any], object]) -> None:
    config = whole()
    plant(config)
    assert list(SCHEMA.iter_errors(config))


def test_a_schema_that_differs_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stale = tmp_path / "nephoscope.schema.json"
    stale.write_text("{}\n")
    monkeypatch.setattr("nephoscope.app.authoring.__main__.SCHEMA_FILE", stale)
    assert main(["--schema", "--check"]) == 1
    assert main(["--schema"]) == 0
    assert main(["--schema", "--check"]) == 0


def test_the_example_is_right() -> None:
    compiled = compile_file(EXAMPLE, environment={})
    assert compiled.warnings == ()
    assert compiled.config.publish.dashboard == "acme"


def test_what_is_switched_off_in_the_example_is_right_too(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(switched_on(EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    compiled = compile_file(path, environment={})
    assert compiled.warnings == ()
    assert set(compiled.config.channels) == {"oncall", "chat", "pager", "robot", "near", "last-resort"}
    assert compiled.config.gather.aws is not None
    assert [account.id for account in compiled.config.gather.aws.accounts] == ["", "222222222222"]
    assert compiled.config.gather.aws.where.except_tags == {"monitor": ("off",)}
    assert compiled.config.gather.gcp
    assert compiled.config.gather.gcp.projects == ("acme-web", "acme-data")
    assert compiled.config.gather.azure
    assert compiled.config.gather.azure.workspaces == ("11111111-1111-1111-1111-111111111111",)
    assert compiled.deploy["homes"]["gcp"]["state"] == "gs://acme-terraform/nephoscope"
    assert compiled.deploy["homes"]["azure"]["location"] == "westeurope"
    assert compiled.deploy["homes"]["notify"] == ["oncall@acme.example"]
    assert compiled.config.limits
    assert compiled.config.prices


def test_every_region_that_the_sdk_knows_has_a_row() -> None:
    """The partitions that a customer can have an account in without a clearance."""
    path = Path(botocore.__file__).parent / "data" / "partitions.json"
    partitions = json.loads(path.read_text(encoding="utf-8"))["partitions"]
    theirs = {
        region
        for partition in partitions
        if partition["id"] in ("aws", "aws-cn", "aws-us-gov", "aws-eusc")
        for region in partition["regions"]
        if not region.endswith("-global")
    }
    assert len(theirs) > 30
    assert theirs == set(known_regions())


@pytest.mark.parametrize(
    ("cloud", "pattern", "some"),
    [
        (Cloud.AWS, AWS_REGION, {"eu-west-1", "us-gov-west-1", "eusc-de-east-1"}),
        (Cloud.GCP, GCP_REGION, {"europe-west12", "us-central1", "northamerica-northeast2", "africa-south1"}),
        (Cloud.AZURE, AZURE_LOCATION, {"westeurope", "eastus2", "germanywestcentral", "australiacentral2"}),
    ],
)
def test_an_editor_refuses_no_region_that_has_a_row(cloud: Cloud, pattern: str, some: set[str]) -> None:
    assert some < set(known_regions(cloud))
    assert [region for region in known_regions(cloud) if not re.search(pattern, region)] == []
    assert len(set(known_regions(cloud))) == len(known_regions(cloud))


def test_every_kind_has_its_words() -> None:
    assert set(OBSERVATIONS) == set(Kind)
    assert OBSERVATIONS[Kind.INSTANCE]["state"] == tuple(State)


def test_the_example_refers_to_the_schema() -> None:
    first = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert (ROOT / first.partition("$schema=")[2]).resolve() == SCHEMA_FILE.resolve()
    assert os.path.relpath(SCHEMA_FILE, ROOT) == "shared/nephoscope/catalog/nephoscope.schema.json"
