output "principal_id" {
  description = "The identity's object id: AWS's trust pins it as sub"
  value       = azurerm_user_assigned_identity.reader.principal_id
}

output "tenant_id" {
  description = "Of the issuer that AWS trusts"
  value       = azurerm_user_assigned_identity.reader.tenant_id
}

output "audience" {
  description = "What the tokens for AWS are made out to: AWS's trust pins it as aud"
  value       = one(azuread_application.audience.identifier_uris)
}

output "identity_id" {
  description = "What the functions run as"
  value       = azurerm_user_assigned_identity.reader.id
}

output "client_id" {
  description = "How the functions ask for a token of that identity"
  value       = azurerm_user_assigned_identity.reader.client_id
}

output "vault" {
  description = "The functions' own key vault; empty where no secret is kept there"
  value       = local.own ? azurerm_key_vault.own[0].name : ""
}

output "resource_group" {
  description = "Where everything of ours is"
  value       = azurerm_resource_group.home.name
}
