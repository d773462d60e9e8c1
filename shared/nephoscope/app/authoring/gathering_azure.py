"""The meaning of `gather.azure`: which subscriptions, by id or by the management group they lie under, where the guests
write what only they can see, and who reads it all, where AWS's functions do."""

from __future__ import annotations

import re
from collections.abc import Callable

from nephoscope.app.authoring.document import Items, Keys, Text
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.gathering import read_resources, read_selector
from nephoscope.app.authoring.patterns import MANAGEMENT_GROUP, UUID
from nephoscope.app.authoring.reading import keys_of, text_of, texts_of
from nephoscope.app.authoring.values import no_doubles
from nephoscope.model.config import AzureFederation, GatherAzure

_EXAMPLES = 'subscriptions: ["00000000-0000-0000-0000-000000000000"], or management_group: NAME'


def read_azure(keys: Keys, findings: Findings) -> GatherAzure:
    """Subscriptions or a management group, one of them. Ids are in small letters: Azure takes both."""
    subscriptions = _ids(keys, "subscriptions", "subscription", why_no_subscription, findings)
    group = _management_group(text_of(keys, "management_group"), findings)
    if not keys.wrote("subscriptions") and not keys.wrote("management_group"):
        findings.problem(keys.place, f"gather.azure: no subscription; write {_EXAMPLES}")
    elif keys.wrote("subscriptions") and (key := keys.key("management_group")):
        said = "gather.azure has subscriptions and management_group both; one of them says what is watched"
        findings.problem(key.place, said)
    return GatherAzure(
        subscriptions=subscriptions,
        management_group=group,
        workspaces=_ids(keys, "workspaces", "workspace", _why_no_workspace, findings),
        resources=read_resources(keys, "gather.azure", findings),
        where=read_selector(keys, findings),
        from_aws=_from_aws(keys_of(keys, "from_aws"), findings),
    )


def _from_aws(keys: Keys | None, findings: Findings) -> AzureFederation | None:
    """Both or nothing: what is missing has been told already."""
    tenant, client = text_of(keys, "tenant"), text_of(keys, "client")
    if tenant is None or client is None:
        return None
    for text, name, said in (
        (tenant, "tenant", "is no directory's id (az account show --query tenantId shows it)"),
        (client, "client", "is no client id (az ad app show --query appId, or az identity show --query clientId)"),
    ):
        if not re.fullmatch(UUID, text.value):
            findings.problem(text.place, f'gather.azure.from_aws.{name}: "{text.value}" {said}')
    return AzureFederation(tenant.value.lower(), client.value.lower())


def _ids(keys: Keys, name: str, what: str, why: Callable[[str], str], findings: Findings) -> tuple[str, ...]:
    """UUIDs, unique whatever their letters' size. why: what to say of a text that is none."""
    texts = texts_of(keys, name) or ()
    node = keys.get(name)
    if isinstance(node, Items) and not node.nodes:
        findings.problem(node.place, f"gather.azure.{name}: no {what}; name one, or leave the key out")
    no_doubles(tuple(Text(text.value.lower(), text.place) for text in texts), what, findings)
    for text in texts:
        if not re.fullmatch(UUID, text.value):
            findings.problem(text.place, f'gather.azure.{name}: "{text.value}" {why(text.value)}')
    return tuple(dict.fromkeys(text.value.lower() for text in texts if re.fullmatch(UUID, text.value)))


def why_no_subscription(text: str) -> str:
    """What to say of a text that is no subscription's id."""
    said = "is no subscription id, such as 00000000-0000-0000-0000-000000000000"
    meant = text.strip("/").removeprefix("subscriptions/")
    return f"{said}; did you mean {meant}?" if re.fullmatch(UUID, meant) else f"{said} (az account list shows them)"


def _why_no_workspace(text: str) -> str:
    """A workspace has a name, an address and an id; queries take the last."""
    said = "is the address of a workspace; queries take its id" if "/" in text else "is no workspace id"
    return f"{said} (az monitor log-analytics workspace show --query customerId shows it)"


def _management_group(text: Text | None, findings: Findings) -> str:
    """Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""
    if text is None:
        return ""
    if re.fullmatch(MANAGEMENT_GROUP, text.value) and not text.value.endswith("."):
        return text.value
    meant = text.value.rstrip("/").rpartition("/")[2]
    guess = f"; did you mean {meant}?" if "/" in text.value and re.fullmatch(MANAGEMENT_GROUP, meant) else ""
    said = f'"{text.value}" is no name of a management group: letters, digits and - _ ( ) . only, 90 at most{guess}'
    findings.problem(text.place, f"gather.azure.management_group: {said}")
    return ""
