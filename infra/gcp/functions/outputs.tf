output "functions" {
  description = "The functions' names"
  value       = [for each in google_cloudfunctions2_function.scheduled : each.name]
}

output "queue" {
  description = "Where scopes are fanned out"
  value       = google_pubsub_topic.work.id
}

output "dashboard" {
  description = "The fleet's dashboard in the console"
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.fleet.id)}?project=${var.project}"
}
