# Step 3: the functions in Google Cloud. They need what step 1 made (identities.json) and the names of the AWS stack
# (stack.json); both are written by the plugin, nothing is written twice.
locals {
  deploy     = jsondecode(file("${var.build}/deploy.json"))
  identities = jsondecode(file("${var.build}/identities.json")).gcp
  stack      = jsondecode(file("${var.build}/stack.json"))
  package    = "${var.build}/gcp.zip"

  every   = local.deploy.every # seconds, whole minutes
  minutes = floor(local.every / 60)
  # Longer than the period makes runs overlap.
  timeout = min(local.every, 300) - 5

  environment = {
    NEPHOSCOPE_CLOUDS           = "gcp"
    NEPHOSCOPE_TABLE            = local.stack.table
    NEPHOSCOPE_ACCOUNT          = var.project
    NEPHOSCOPE_STACK_AlertTopic = local.stack.topic
    NEPHOSCOPE_AUDIENCE         = local.identities.audience
    NEPHOSCOPE_QUEUE_URL        = google_pubsub_topic.work.id
    GOOGLE_CLOUD_PROJECT        = var.project
    AWS_REGION                  = local.stack.region
    AWS_ROLE_ARN                = local.stack.roles.gcp
    AWS_ROLE_SESSION_NAME       = var.name
    AWS_WEB_IDENTITY_TOKEN_FILE = "/tmp/aws-web-identity-token"
  }

  scheduled = {
    collect = {
      cron        = local.minutes == 60 ? "0 * * * *" : "*/${local.minutes} * * * *"
      timeout     = local.timeout
      memory      = "512M"
      silent      = max(300, 5 * local.every)
      description = "Gathers Google Cloud, judges, publishes and delivers, each period"
    }
    deliver = {
      cron        = "* * * * *"
      timeout     = 55
      memory      = "256M"
      silent      = 300
      description = "Sends what is owed, whatever becomes of the runs"
    }
  }
}

# --- the package ---

resource "google_storage_bucket" "package" {
  name                        = "${var.project}-${var.name}-package"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # it holds nothing that make package would not make again
}

# The name follows the content, so an unchanged package is not deployed again.
resource "google_storage_bucket_object" "package" {
  bucket = google_storage_bucket.package.name
  name   = "gcp-${substr(filesha256(local.package), 0, 16)}.zip"
  source = local.package
}

# --- the functions ---

resource "google_cloudfunctions2_function" "scheduled" {
  for_each    = local.scheduled
  name        = "${var.name}-${each.key}"
  location    = var.region
  description = each.value.description

  build_config {
    runtime         = "python313"
    entry_point     = each.key
    service_account = local.identities.builder
    source {
      storage_source {
        bucket = google_storage_bucket.package.name
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    available_memory                 = each.value.memory
    timeout_seconds                  = each.value.timeout
    max_instance_count               = 2
    max_instance_request_concurrency = 1
    ingress_settings                 = "ALLOW_INTERNAL_ONLY" # Cloud Scheduler of the same project counts as internal
    service_account_email            = local.identities.reader
    environment_variables            = merge(local.environment, { NEPHOSCOPE_TIMEOUT = each.value.timeout })
  }
}

resource "google_cloudfunctions2_function" "work" {
  name        = "${var.name}-work"
  location    = var.region
  description = "One scope of a run that was fanned out, a message each"

  build_config {
    runtime         = "python313"
    entry_point     = "work"
    service_account = local.identities.builder
    source {
      storage_source {
        bucket = google_storage_bucket.package.name
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    available_memory                 = "512M"
    timeout_seconds                  = local.timeout
    max_instance_count               = 20
    max_instance_request_concurrency = 1
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    service_account_email            = local.identities.reader
    environment_variables            = merge(local.environment, { NEPHOSCOPE_TIMEOUT = local.timeout })
  }

  event_trigger {
    event_type            = "google.cloud.pubsub.topic.v1.messagePublished"
    pubsub_topic          = google_pubsub_topic.work.id
    trigger_region        = var.region
    retry_policy          = "RETRY_POLICY_DO_NOT_RETRY" # the next run makes up for a lost one, point by point
    service_account_email = local.identities.caller
  }
}

resource "google_pubsub_topic" "work" {
  name = "${var.name}-work"
}

resource "google_pubsub_topic_iam_member" "collect_fans_out" {
  topic  = google_pubsub_topic.work.id
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${local.identities.reader}"
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = merge(google_cloudfunctions2_function.scheduled, { work = google_cloudfunctions2_function.work })
  location = each.value.location
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.identities.caller}"
}

# --- the schedule ---

resource "google_cloud_scheduler_job" "each" {
  for_each         = local.scheduled
  name             = "${var.name}-${each.key}"
  description      = each.value.description
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${max(15, each.value.timeout)}s"

  retry_config {
    retry_count = 0 # the next run makes up for a lost one
  }

  http_target {
    uri         = google_cloudfunctions2_function.scheduled[each.key].service_config[0].uri
    http_method = "POST"
    oidc_token {
      service_account_email = local.identities.caller
      audience              = google_cloudfunctions2_function.scheduled[each.key].service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.caller]

  lifecycle {
    precondition {
      condition     = 60 % local.minutes == 0
      error_message = "gather.every must divide an hour for Google's schedule: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 min."
    }
  }
}

# --- secrets that the configuration names ---

locals {
  named = concat(local.deploy.secrets["gcp-secret"], local.deploy.secrets["own-cloud"])
  # Without the version, which a role does not tell apart here.
  secrets = toset([
    for name in local.named :
    split("/versions/", startswith(name, "projects/") ? name : "projects/${var.project}/secrets/${name}")[0]
  ])
}

# They must be there: a value has no place in Terraform's state.
resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.secrets
  project   = split("/", each.value)[1]
  secret_id = split("/", each.value)[3]
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.identities.reader}"
}

# --- who watches us: Google itself, by what is absent ---

resource "google_monitoring_notification_channel" "mail" {
  for_each     = toset(var.notify)
  display_name = "${var.name}: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "silent" {
  for_each              = local.scheduled
  display_name          = "${var.name}-${each.key} has not run well for ${each.value.silent} s"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.mail : channel.id]

  conditions {
    display_name = "no run has succeeded"
    condition_absent {
      duration = "${each.value.silent}s"
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "resource.labels.service_name = \"${google_cloudfunctions2_function.scheduled[each.key].name}\"",
        "metric.type = \"run.googleapis.com/request_count\"",
        "metric.labels.response_code_class = \"2xx\"",
      ])
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Nothing is watched in Google Cloud. Look at the function's log and at its job in Cloud Scheduler."
  }
}

# --- what a person looks at ---

# The package's build draws it (shared/nephoscope/pipeline/consoles); it names our functions by how their names begin.
resource "google_monitoring_dashboard" "fleet" {
  dashboard_json = replace(file("${var.build}/google-dashboard.json"), "@NAME@", var.name)
}
