output "site_id" {
  description = "The function app's resource id; upload.py puts the package there"
  value       = azurerm_function_app_flex_consumption.home.id
}

output "scm" {
  description = "The host that takes packages"
  value       = "${azurerm_function_app_flex_consumption.home.name}.scm.azurewebsites.net"
}

output "queue" {
  description = "Where scopes are fanned out"
  value       = "${azurerm_storage_account.home.primary_queue_endpoint}${azurerm_storage_queue.work.name}"
}

output "dashboard" {
  description = "The fleet's workbook in the portal"
  value       = "https://portal.azure.com/#@/resource${azurerm_application_insights_workbook.fleet.id}/workbook"
}
