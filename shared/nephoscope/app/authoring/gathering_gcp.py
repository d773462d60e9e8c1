"""The meaning of `gather.gcp`: which projects, by name or by the folder or organization they lie in; and how AWS's
functions enter, where they read them."""

from __future__ import annotations

import re

from nephoscope.app.authoring.document import Items, Keys, Text
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.gathering import read_resources, read_selector
from nephoscope.app.authoring.patterns import PARENT, POOL, PROJECT, PROVIDER, SERVICE_ACCOUNT
from nephoscope.app.authoring.reading import keys_of, text_of, texts_of
from nephoscope.app.authoring.values import no_doubles
from nephoscope.model.config import GatherGcp, GcpFederation

_ACCOUNT_EXAMPLE = "nephoscope@acme-ops.iam.gserviceaccount.com"
_PROVIDER_EXAMPLE = "projects/123456789012/locations/global/workloadIdentityPools/nephoscope/providers/aws-lambda"
_EXAMPLES = "projects: [acme-web], or search: folders/123 or organizations/123"


def read_gcp(keys: Keys, findings: Findings) -> GatherGcp:
    """Projects or a search, one of them. Source of a project id's form:
    https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects"""
    projects, parent = _projects(keys, findings), _parent(text_of(keys, "search"), findings)
    if not keys.wrote("projects") and not keys.wrote("search"):
        findings.problem(keys.place, f"gather.gcp: no project; write {_EXAMPLES}")
    elif keys.wrote("projects") and (search := keys.key("search")):
        findings.problem(search.place, "gather.gcp has projects and search both; one of them says what is watched")
    return GatherGcp(
        projects=projects,
        parent=parent,
        resources=read_resources(keys, "gather.gcp", findings),
        where=read_selector(keys, findings),
        from_aws=_from_aws(keys_of(keys, "from_aws"), findings),
    )


def _from_aws(keys: Keys | None, findings: Findings) -> GcpFederation | None:
    """Both or nothing: what is missing has been told already."""
    provider, account = text_of(keys, "provider"), text_of(keys, "service_account")
    if provider is None or account is None:
        return None
    if not re.fullmatch(PROVIDER, provider.value):
        said = f'"{provider.value}" {_why_no_provider(provider.value)}'
        findings.problem(provider.place, f"gather.gcp.from_aws.provider: {said}")
    if not re.fullmatch(SERVICE_ACCOUNT, account.value):
        said = f'"{account.value}" is no address of a service account, such as {_ACCOUNT_EXAMPLE}'
        findings.problem(account.place, f"gather.gcp.from_aws.service_account: {said}")
    return GcpFederation(provider.value.removeprefix("https:").removeprefix("//iam.googleapis.com/"), account.value)


def _why_no_provider(text: str) -> str:
    """Source of the form: https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers"""
    if re.fullmatch(POOL, text):
        return "is the pool; its provider's name goes on: .../providers/aws-lambda"
    if re.fullmatch(PROVIDER.replace("[0-9]+", "[^/]+", 1), text):
        return "has the project's id; the name has its number (gcloud projects describe shows projectNumber)"
    return f"is no provider's name, such as {_PROVIDER_EXAMPLE}"


def _projects(keys: Keys, findings: Findings) -> tuple[str, ...]:
    texts = texts_of(keys, "projects") or ()
    node = keys.get("projects")
    if isinstance(node, Items) and not node.nodes:
        said = "gather.gcp.projects: no project: nothing would be watched; name one, or write search in its place"
        findings.problem(node.place, said)
    no_doubles(texts, "project", findings)
    return tuple(dict.fromkeys(text.value for text in texts if _check_project(text, findings)))


def _check_project(text: Text, findings: Findings) -> bool:
    if re.fullmatch(PROJECT, text.value):
        return True
    findings.problem(text.place, f'gather.gcp.projects: "{text.value}" {why_no_project(text.value)}')
    return False


def why_no_project(name: str) -> str:
    """What to say of a text that is no project's id."""
    if name.isdigit():
        return "is a project's number; write its id (gcloud projects list shows both)"
    meant = name.strip().removeprefix("projects/").lower().replace("_", "-").replace(" ", "-")
    guess = f"; did you mean {meant}?" if re.fullmatch(PROJECT, meant) else ""
    return f"is no project id: 6 to 30 small letters, digits and hyphens, a letter first{guess}"


def _parent(text: Text | None, findings: Findings) -> str:
    if text is None:
        return ""
    if re.fullmatch(PARENT, text.value):
        return text.value
    kind, _, number = text.value.strip("/").partition("/")
    plural = {"folder": "folders", "organization": "organizations", "organisations": "organizations"}.get(kind.lower())
    guess = f"; did you mean {plural}/{number}?" if plural and number.isdigit() else ""
    said = f'expected folders/NUMBER or organizations/NUMBER, found "{text.value}"{guess}'
    findings.problem(text.place, f"gather.gcp.search: {said}")
    return ""
