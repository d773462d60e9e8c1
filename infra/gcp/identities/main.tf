# Step 1: who the functions are in Google Cloud, and what they may read there. AWS's roles trust the reader's number, so
# it must exist before the AWS stack; the functions need the stack's names, so they come after it (../functions).
locals {
  deploy  = jsondecode(file("${var.build}/deploy.json"))
  gather  = local.deploy.gcp
  reads   = toset(local.gather.resources)
  parent  = local.gather.parent # "", "folders/N" or "organizations/N"
  role_id = replace("${var.name}-reader", "-", "_")

  permissions = concat(
    ["monitoring.metricDescriptors.get", "monitoring.metricDescriptors.list", "monitoring.timeSeries.list"],
    contains(local.reads, "instance") ? ["compute.instances.list", "compute.regions.list", "compute.zones.list"] : [],
    contains(local.reads, "bucket") ? ["storage.buckets.list"] : [],
    local.parent == "" ? [] : ["cloudasset.assets.searchAllResources"], # finds the projects
  )
}

locals {
  named   = concat(local.deploy.secrets["gcp-secret"], local.deploy.secrets["own-cloud"])
  secrets = length(local.named) == 0 ? [] : ["secretmanager.googleapis.com"]
}

resource "google_project_service" "needed" {
  for_each = toset(concat(local.parent == "" ? [] : ["cloudasset.googleapis.com"], local.secrets, [
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "eventarc.googleapis.com",
    "iam.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
  ]))
  service            = each.value
  disable_on_destroy = false # others in the project may use it
}

# What the functions run as. It has no key: Google's metadata server signs its tokens, and AWS checks them.
resource "google_service_account" "reader" {
  account_id   = "${var.name}-reader"
  display_name = "nephoscope reads instances and metrics"
  depends_on   = [google_project_service.needed]
}

# Who may call the functions: Cloud Scheduler and Pub/Sub, and nobody else.
resource "google_service_account" "caller" {
  account_id   = "${var.name}-caller"
  display_name = "nephoscope's schedule and queue"
  depends_on   = [google_project_service.needed]
}

resource "google_service_account" "builder" {
  account_id   = "${var.name}-build"
  display_name = "nephoscope's package becomes an image"
  depends_on   = [google_project_service.needed]
}

resource "google_project_iam_member" "builder" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])
  project  = var.project
  role     = each.value
  member   = google_service_account.builder.member
}

# --- what may be read: each project that is named ---

resource "google_project_iam_custom_role" "reader" {
  for_each    = toset(local.gather.projects)
  project     = each.value
  role_id     = local.role_id
  title       = "nephoscope reader"
  description = "Lists what nephoscope watches, and reads its metrics"
  permissions = local.permissions
}

resource "google_project_iam_member" "reader" {
  for_each = google_project_iam_custom_role.reader
  project  = each.key
  role     = each.value.name
  member   = google_service_account.reader.member
}

# --- or everything below a folder or an organization ---

locals { # a custom role cannot belong to a folder
  organization = startswith(local.parent, "folders/") ? data.google_folder.parent[0].organization : local.parent
}

data "google_folder" "parent" {
  count               = startswith(local.parent, "folders/") ? 1 : 0
  folder              = local.parent
  lookup_organization = true
}

resource "google_organization_iam_custom_role" "reader" {
  count       = local.parent == "" ? 0 : 1
  org_id      = trimprefix(local.organization, "organizations/")
  role_id     = local.role_id
  title       = "nephoscope reader"
  description = "Finds projects, lists what nephoscope watches, and reads its metrics"
  permissions = local.permissions
}

resource "google_folder_iam_member" "reader" {
  count  = startswith(local.parent, "folders/") ? 1 : 0
  folder = local.parent
  role   = google_organization_iam_custom_role.reader[0].name
  member = google_service_account.reader.member
}

resource "google_organization_iam_member" "reader" {
  count  = startswith(local.parent, "organizations/") ? 1 : 0
  org_id = trimprefix(local.parent, "organizations/")
  role   = google_organization_iam_custom_role.reader[0].name
  member = google_service_account.reader.member
}
