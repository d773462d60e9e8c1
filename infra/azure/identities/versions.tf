terraform {
  required_version = ">= 1.9"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "4.55.0" # the ones whose schemas infra/terraform/schema.json holds
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "3.7.0"
    }
  }
  backend "azurerm" {} # where is given by the plugin: deploy.azure.state
}

provider "azurerm" {
  features {}
  subscription_id     = var.subscription
  storage_use_azuread = true
}

provider "azuread" {}
