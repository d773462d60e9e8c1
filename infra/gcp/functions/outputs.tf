output "functions" {
  description = "The functions' names"
  value       = [for each in google_cloudfunctions2_function.scheduled : each.name]
}

output "queue" {
  description = "Where scopes are fanned out"
  value       = google_pubsub_topic.work.id
}
