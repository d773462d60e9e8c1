# Step 1: who the functions are in Azure, and what they may read there. AWS's trust pins the identity's object id and the
# tenant, so they must exist before the AWS stack; the functions need the stack's names, so they come after it.
locals {
  deploy = jsondecode(file("${var.build}/deploy.json"))
  gather = local.deploy.azure
  reads  = toset(local.gather.resources)

  # Where the role holds: each subscription that is named, and the management group with all below it.
  scopes = concat(
    [for id in local.gather.subscriptions : "/subscriptions/${id}"],
    local.gather.management_group == "" ? [] :
    ["/providers/Microsoft.Management/managementGroups/${local.gather.management_group}"],
  )

  actions = concat(
    [
      "Microsoft.Insights/metricDefinitions/read",
      "Microsoft.Insights/metrics/read",
      "Microsoft.ResourceGraph/resources/read",
      "Microsoft.Resources/subscriptions/read",
    ],
    contains(local.reads, "instance") ? [
      "Microsoft.Compute/virtualMachines/instanceView/read",
      "Microsoft.Compute/virtualMachines/read",
      "Microsoft.Compute/virtualMachineScaleSets/read",
      "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView/read",
      "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    ] : [],
    contains(local.reads, "bucket") ? ["Microsoft.Storage/storageAccounts/read"] : [],
    local.gather.management_group == "" ? [] : [
      "Microsoft.Management/managementGroups/descendants/read",
      "Microsoft.Management/managementGroups/read",
    ],
    # The guests' memory, disks and heartbeats, and no other table.
    length(local.gather.workspaces) == 0 ? [] : [
      "Microsoft.OperationalInsights/workspaces/query/Heartbeat/read",
      "Microsoft.OperationalInsights/workspaces/query/InsightsMetrics/read",
      "Microsoft.OperationalInsights/workspaces/query/Perf/read",
      "Microsoft.OperationalInsights/workspaces/query/read",
      "Microsoft.OperationalInsights/workspaces/read",
    ],
  )
}

data "azuread_client_config" "home" {}

resource "azurerm_resource_group" "home" {
  name     = var.name
  location = var.location
}

# What the functions run as. It has no secret: Azure signs its tokens, and AWS checks them.
resource "azurerm_user_assigned_identity" "reader" {
  name                = "${var.name}-reader"
  resource_group_name = azurerm_resource_group.home.name
  location            = azurerm_resource_group.home.location
}

resource "azurerm_role_definition" "reader" {
  name              = "${var.name}-reader"
  description       = "nephoscope lists what it watches, and reads its metrics"
  scope             = local.scopes[0]
  assignable_scopes = local.scopes
  permissions {
    actions = local.actions
  }
}

resource "azurerm_role_assignment" "reader" {
  for_each           = toset(local.scopes)
  scope              = each.value
  role_definition_id = azurerm_role_definition.reader.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.reader.principal_id
  principal_type     = "ServicePrincipal"
}

# --- secrets that the configuration names; their values have no place in Terraform's state ---

locals {
  own   = length(local.deploy.secrets["own-cloud"]) > 0
  named = { for name in local.deploy.secrets["key-vault"] : name => split("/", name) } # VAULT/NAME
}

# The functions' own vault. It is there before they are, so that its secrets can be put there first.
resource "azurerm_key_vault" "own" {
  count                      = local.own ? 1 : 0
  name                       = "${substr(replace(var.name, "-", ""), 0, 16)}${substr(sha256("${var.subscription}/${var.name}"), 0, 8)}"
  resource_group_name        = azurerm_resource_group.home.name
  location                   = azurerm_resource_group.home.location
  tenant_id                  = data.azuread_client_config.home.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
}

# All of it: nothing else is kept there.
resource "azurerm_role_assignment" "own_secrets" {
  count                = local.own ? 1 : 0
  scope                = azurerm_key_vault.own[0].id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.reader.principal_id
  principal_type       = "ServicePrincipal"
}

# Of other vaults, in the home subscription, those secrets alone.
data "azurerm_resources" "vault" {
  for_each = toset([for parts in local.named : parts[0]])
  type     = "Microsoft.KeyVault/vaults"
  name     = each.value
}

resource "azurerm_role_assignment" "secret" {
  for_each             = local.named
  scope                = "${one(data.azurerm_resources.vault[each.value[0]].resources).id}/secrets/${each.value[1]}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.reader.principal_id
  principal_type       = "ServicePrincipal"
}

# What the tokens for AWS are made out to. Version 1 tokens are issued by https://sts.windows.net/<tenant>/ and carry the
# identifier as aud; version 2 tokens have another issuer, and a number as aud.
resource "azuread_application" "audience" {
  display_name     = "${var.name} calls AWS"
  identifier_uris  = ["api://${data.azuread_client_config.home.tenant_id}/${var.name}"]
  sign_in_audience = "AzureADMyOrg"
  api {
    requested_access_token_version = 1
  }
}

resource "azuread_service_principal" "audience" {
  client_id = azuread_application.audience.client_id
}
