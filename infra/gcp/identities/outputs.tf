output "unique_id" {
  description = "The service account's number: AWS's trust pins it as aud (the token's azp) and as sub"
  value       = google_service_account.reader.unique_id
}

output "audience" {
  description = "What the tokens for AWS are made out to: AWS's trust pins it as oaud"
  value       = var.name
}

output "reader" {
  description = "What the functions run as"
  value       = google_service_account.reader.email
}

output "caller" {
  description = "What the schedule and the queue call them as"
  value       = google_service_account.caller.email
}

output "builder" {
  description = "What the package is built as"
  value       = google_service_account.builder.id
}
