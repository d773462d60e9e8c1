"""Whether this machine could get into Google Cloud and Azure at all: looked for where Terraform's providers look.

Only presence is judged, so that nothing is touched where something is plainly missing; whether a credential is any good
is what Terraform's plan says, which is made for every cloud before anything is applied.

Sources: the google provider's "Provider reference" (credentials, access_token, application default credentials), the
azurerm provider's guides on authenticating (Azure CLI, service principal, OpenID Connect, managed identity).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

GOOGLE_VARIABLES = (
    "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON",
    "GOOGLE_OAUTH_ACCESS_TOKEN", "GCE_METADATA_HOST",
)  # fmt: skip
AZURE_VARIABLES = (
    "ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH", "ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_USE_MSI", "ARM_USE_OIDC", "ARM_USE_AKS_WORKLOAD_IDENTITY",
)  # fmt: skip
MACHINE = Path("/sys/class/dmi/id/product_name")


def missing(cloud: str, environment: Mapping[str, str], machine: Path = MACHINE) -> str:
    """What to do where there is no credential for this cloud; empty where there seems to be one."""
    found = {"gcp": _google, "azure": _azure}[cloud](environment, machine)
    return "" if found else _ADVICE[cloud]


_ADVICE = {
    "gcp": "Google Cloud: no credential; run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS to a credential file",
    "azure": "Azure: no credential; run `az login`, or set ARM_CLIENT_ID and ARM_TENANT_ID with ARM_CLIENT_SECRET or "
    "ARM_USE_OIDC=true",
}


def _google(environment: Mapping[str, str], machine: Path) -> bool:
    if any(environment.get(name) for name in GOOGLE_VARIABLES):
        return True
    home = environment.get("CLOUDSDK_CONFIG") or str(Path(environment.get("HOME", "/")) / ".config" / "gcloud")
    if (Path(home) / "application_default_credentials.json").is_file():
        return True
    # A machine of Google's own has its metadata server.
    return machine.is_file() and "Google" in machine.read_text(encoding="utf-8", errors="replace")


def _azure(environment: Mapping[str, str], _: Path) -> bool:
    if any(environment.get(name) for name in AZURE_VARIABLES):
        return True
    home = environment.get("AZURE_CONFIG_DIR") or str(Path(environment.get("HOME", "/")) / ".azure")
    signed_in = (Path(home) / "azureProfile.json").is_file()
    return signed_in and shutil.which("az", path=environment.get("PATH", "")) is not None
