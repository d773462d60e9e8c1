variable "name" {
  type        = string
  description = "Of everything that is made, with the stage: nephoscope-prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,22}$", var.name))
    error_message = "A service account's name has at most 30 characters, small letters, digits and hyphens; 23 are left for service and stage."
  }
}

variable "build" {
  type        = string
  description = "The folder with deploy.json, which was compiled from nephoscope.yaml"
}

variable "project" {
  type        = string
  description = "Where the functions live; what they read stands in nephoscope.yaml"
}

variable "region" {
  type        = string
  description = "Where the functions run"
}
