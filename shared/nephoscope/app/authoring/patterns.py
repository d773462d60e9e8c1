"""What texts of nephoscope.yaml look like, as JSON Schema patterns, which Python reads too."""

from __future__ import annotations

DURATION = r"^\s*[0-9]+\s*(s|min|h|d)\s*$"
REFERENCE = r"^\$\{(env|ssm|secretsmanager|gcp-secret|key-vault|own-cloud|stack):[^}]+\}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
PROJECT = r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"
PARENT = r"^(folders|organizations)/[0-9]+$"
UUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
POOL = r"((https:)?//iam\.googleapis\.com/)?projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}"
PROVIDER = rf"^{POOL}/providers/[a-z0-9-]{{4,32}}$"
SERVICE_ACCOUNT = (
    r"^([a-z0-9-]{1,63}@[a-z0-9.:-]+\.iam|[0-9]+-compute@developer|[a-z0-9.:-]+@appspot)\.gserviceaccount\.com$"
)
MANAGEMENT_GROUP = r"^[A-Za-z0-9][A-Za-z0-9_().-]{0,89}$"
GROUPED_BY = (
    r"^(rule|severity|cloud|cloud_account_id|cloud_region|cloud_availability_zone|host_type|resource|tag:.+|label:.+)$"
)
MAIL = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+$"

_COMPASS = "(north|south|east|west|central|northeast|northwest|southeast|southwest)"
AWS_REGION = rf"^[a-z]{{2,4}}(-[a-z]{{2,4}})?-{_COMPASS}-[0-9]{{1,2}}$"
GCP_REGION = rf"^[a-z]+-{_COMPASS}[0-9]{{1,2}}$"
AZURE_LOCATION = r"^[a-z]*(north|south|east|west|central)[a-z]*[0-9]?$"

GCS = r"^gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*?))?/?$"
AZURERM = r"^azurerm://([\w.()-]{1,90})/([a-z0-9]{3,24})/([a-z0-9-]{3,63})/?$"
STATE = f"{GCS}|{AZURERM}|^local$"
"""Where Terraform keeps its state. In GCS: bucket and prefix; in AZURERM: resource group, account and container."""
