variable "name" {
  type        = string
  description = "Of everything that is made, with the stage: nephoscope-prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,22}$", var.name))
    error_message = "Small letters, digits and hyphens, 23 at most, so that the functions' names fit."
  }
}

variable "build" {
  type        = string
  description = "The folder with deploy.json, which was compiled from nephoscope.yaml"
}

variable "subscription" {
  type        = string
  description = "Where the functions live; what they read stands in nephoscope.yaml"
}

variable "location" {
  type        = string
  description = "Where the functions run"
}

variable "notify" {
  type        = list(string)
  default     = []
  description = "Mail addresses that Azure itself tells when the functions fall silent"
}
