terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0" # the one whose schema infra/terraform/schema.json holds
    }
  }
  backend "gcs" {} # bucket and prefix are given by the plugin: deploy.gcp.state
}

provider "google" {
  project = var.project
  region  = var.region
}
