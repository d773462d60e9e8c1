"""What Google and Azure call the right to make a call, and the command that grants it. AWS's is a policy (probe.py).

Readers name their calls by the permission that each needs, so this is a table by permission. Named are the narrowest
roles that the vendor has ready; the role that infra/ deploys holds the permissions alone.
Source: https://docs.cloud.google.com/iam/docs/roles-permissions,
https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nephoscope.model.scope import Cloud
from nephoscope.model.series import Gap

ROLES: Mapping[str, str] = {
    "compute.instances.list": "roles/compute.viewer",
    "storage.buckets.list": "roles/storage.bucketViewer",
    "monitoring.timeSeries.list": "roles/monitoring.viewer",
    "monitoring.metricDescriptors.get": "roles/monitoring.viewer",
    "cloudasset.assets.searchAllResources": "roles/cloudasset.viewer",
    "Microsoft.ResourceGraph/resources/read": "Reader",
    "Microsoft.Insights/metrics/read": "Monitoring Reader",
    "Microsoft.OperationalInsights/workspaces/query/read": "Log Analytics Data Reader",
    "secretmanager.versions.access": "roles/secretmanager.secretAccessor",
    "Microsoft.KeyVault/vaults/secrets/getSecret/action": "Key Vault Secrets User",
}
"""Permission -> a predefined role that holds it."""

SIGNING_IN: Mapping[Cloud, str] = {
    Cloud.GCP: "Google knows nobody here: gcloud auth application-default login signs this shell in.",
    Cloud.AZURE: "Azure knows nobody here: az login signs this shell in.",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """permission: as the vendor writes it. role: "" where no row has one. command: what an administrator types."""

    permission: str
    role: str
    command: str


def grant_for(gap: Gap) -> Grant:
    """What would let the refused call through."""
    role = ROLES.get(gap.operation, "")
    return Grant(gap.operation, role, _COMMANDS[gap.scope.cloud](gap.scope.account, role) if role else "")


def grant_for_secret(cloud: Cloud, place: str, name: str) -> Grant:
    """What would let a function read one secret. place: the project or the vault that it is in."""
    permission = READING_SECRETS[cloud]
    role = ROLES[permission]
    return Grant(permission, role, _SECRETS[cloud].format(place=place, name=name, role=role))


READING_SECRETS: Mapping[Cloud, str] = {
    Cloud.GCP: "secretmanager.versions.access",
    Cloud.AZURE: "Microsoft.KeyVault/vaults/secrets/getSecret/action",
}

_SECRETS: Mapping[Cloud, str] = {
    Cloud.GCP: "gcloud secrets add-iam-policy-binding {name} --project={place} --member=serviceAccount:EMAIL "
    "--role={role}",
    Cloud.AZURE: 'az role assignment create --assignee OBJECT_ID --role "{role}" '
    '--scope "$(az keyvault show --name {place} --query id --output tsv)/secrets/{name}"',
}


def _gcloud(account: str, role: str) -> str:
    """account: a project, or the folder or organization that is searched."""
    kind, _, number = account.rpartition("/")
    what = {"folders": "resource-manager folders", "organizations": "organizations"}.get(kind, "projects")
    return f"gcloud {what} add-iam-policy-binding {number} --member=serviceAccount:EMAIL --role={role}"


def _az(account: str, role: str) -> str:
    where = f"/subscriptions/{account}" if account else "/providers/Microsoft.Management/managementGroups/NAME"
    return f'az role assignment create --assignee OBJECT_ID --role "{role}" --scope {where}'


_COMMANDS: Mapping[Cloud, Callable[[str, str], str]] = {Cloud.GCP: _gcloud, Cloud.AZURE: _az}
