# Step 3: the function app in Azure. It needs what step 1 made (identities.json) and the names of the AWS stack
# (stack.json); both are written by the plugin, nothing is written twice. The package itself is uploaded by
# ../upload.py, for the provider's own zip deployment calls an address that this plan does not have (its issue 29630).
locals {
  deploy     = jsondecode(file("${var.build}/deploy.json"))
  identities = jsondecode(file("${var.build}/identities.json")).azure
  stack      = jsondecode(file("${var.build}/stack.json"))

  # Names that are unique in the whole of Azure: ours, and eight letters that follow from the subscription.
  suffix = substr(sha256("${var.subscription}/${var.name}"), 0, 8)
  plain  = substr(replace(var.name, "-", ""), 0, 16)

  minutes = floor(local.deploy.every / 60)
  silent = {
    collect = max(5, 5 * local.minutes) # minutes
    deliver = 5
  }
  # The windows that Azure's log alerts know, by minutes.
  windows = {
    5   = "PT5M", 10 = "PT10M", 15 = "PT15M", 30 = "PT30M", 45 = "PT45M", 60 = "PT1H", 120 = "PT2H", 180 = "PT3H",
    240 = "PT4H", 300 = "PT5H"
  }
  window = {
    for name, minutes in local.silent :
    name => local.windows[min([for each in keys(local.windows) : tonumber(each) if tonumber(each) >= minutes]...)]
  }
}

# --- the queue and the package's place; no keys ---

resource "azurerm_storage_account" "home" {
  name                            = "${local.plain}${local.suffix}"
  resource_group_name             = local.identities.resource_group
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  allow_nested_items_to_be_public = false
}

resource "azurerm_storage_container" "package" {
  name                  = "package"
  storage_account_id    = azurerm_storage_account.home.id
  container_access_type = "private"
}

resource "azurerm_storage_queue" "work" {
  name               = "work"
  storage_account_id = azurerm_storage_account.home.id
}

resource "azurerm_role_assignment" "storage" {
  for_each             = toset(["Storage Blob Data Owner", "Storage Queue Data Contributor"])
  scope                = azurerm_storage_account.home.id
  role_definition_name = each.value
  principal_id         = local.identities.principal_id
  principal_type       = "ServicePrincipal"
}

# --- the functions ---

resource "azurerm_service_plan" "home" {
  name                = var.name
  resource_group_name = local.identities.resource_group
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1" # Flex Consumption
}

resource "azurerm_function_app_flex_consumption" "home" {
  name                = "${var.name}-${local.suffix}"
  resource_group_name = local.identities.resource_group
  location            = var.location
  service_plan_id     = azurerm_service_plan.home.id
  https_only          = true

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.home.primary_blob_endpoint}${azurerm_storage_container.package.name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = local.identities.identity_id

  runtime_name           = "python"
  runtime_version        = "3.13"
  maximum_instance_count = 40 # the least that the plan takes
  instance_memory_in_mb  = 2048

  webdeploy_publish_basic_authentication_enabled = false

  identity {
    type         = "UserAssigned"
    identity_ids = [local.identities.identity_id]
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.home.connection_string
    minimum_tls_version                    = "1.2"
  }

  app_settings = {
    # The host's own storage, by identity. The provider adds an empty AzureWebJobsStorage beside it (its issue 29693),
    # which ../upload.py takes away again.
    AzureWebJobsStorage__accountName = azurerm_storage_account.home.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = local.identities.client_id
    AZURE_CLIENT_ID                  = local.identities.client_id
    NEPHOSCOPE_CLOUDS                = "azure"
    NEPHOSCOPE_TABLE                 = local.stack.table
    NEPHOSCOPE_ACCOUNT               = var.subscription
    NEPHOSCOPE_VAULT                 = local.identities.vault
    NEPHOSCOPE_STACK_AlertTopic      = local.stack.topic
    NEPHOSCOPE_AUDIENCE              = local.identities.audience
    NEPHOSCOPE_TIMEOUT               = min(local.deploy.every, 300) - 5 # longer than the period makes runs overlap
    AWS_REGION                       = local.stack.region
    AWS_ROLE_ARN                     = local.stack.roles.azure
    AWS_ROLE_SESSION_NAME            = var.name
    AWS_WEB_IDENTITY_TOKEN_FILE      = "/tmp/aws-web-identity-token"
  }

  depends_on = [azurerm_role_assignment.storage]

  lifecycle {
    precondition {
      condition     = 60 % local.minutes == 0
      error_message = "gather.every must divide an hour for Azure's timer: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 min."
    }
  }
}

# --- who watches us: Azure itself, by what is absent ---

resource "azurerm_log_analytics_workspace" "home" {
  name                = var.name
  resource_group_name = local.identities.resource_group
  location            = var.location
  sku                 = "PerGB2018"
  retention_in_days   = 30
}

resource "azurerm_application_insights" "home" {
  name                = var.name
  resource_group_name = local.identities.resource_group
  location            = var.location
  workspace_id        = azurerm_log_analytics_workspace.home.id
  application_type    = "web"
}

resource "azurerm_monitor_action_group" "people" {
  count               = length(var.notify) == 0 ? 0 : 1
  name                = var.name
  short_name          = "nephoscope"
  resource_group_name = local.identities.resource_group
  dynamic "email_receiver" {
    for_each = toset(var.notify)
    content {
      name          = email_receiver.value
      email_address = email_receiver.value
    }
  }
}

# A count of rows is zero where there are none, so silence itself raises it.
resource "azurerm_monitor_scheduled_query_rules_alert_v2" "silent" {
  for_each             = local.silent
  name                 = "${var.name}-${each.key}-silent"
  description          = "nephoscope's ${each.key} has not run well: nothing is watched in Azure. Its log is in Application Insights."
  resource_group_name  = local.identities.resource_group
  location             = var.location
  severity             = 0
  scopes               = [azurerm_application_insights.home.id]
  evaluation_frequency = "PT5M"
  window_duration      = local.window[each.key]
  criteria {
    query                   = "requests | where name == '${each.key}' and success == true"
    time_aggregation_method = "Count"
    operator                = "LessThan"
    threshold               = 1
  }
  auto_mitigation_enabled = true
  dynamic "action" {
    for_each = azurerm_monitor_action_group.people
    content {
      action_groups = [action.value.id]
    }
  }
}

# --- what a person looks at ---

# The package's build draws it (shared/nephoscope/pipeline/consoles); our functions' log is known only here.
resource "azurerm_application_insights_workbook" "fleet" {
  name                = uuidv5("url", "nephoscope/${var.subscription}/${var.name}")
  display_name        = "${local.deploy.fleet}: ${var.name}"
  resource_group_name = local.identities.resource_group
  location            = var.location
  data_json           = replace(file("${var.build}/azure-workbook.json"), "@INSIGHTS@", azurerm_application_insights.home.id)
}
