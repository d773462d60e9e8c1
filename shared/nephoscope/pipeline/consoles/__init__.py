"""The board in the other consoles' own languages: Google's dashboards, Azure's workbooks, Grafana. One file a console
for what stands where, one for how it asks. CloudWatch's is pipeline/dashboard."""
