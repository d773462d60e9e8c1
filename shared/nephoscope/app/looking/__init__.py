"""Reading for the local page: the alert memory, a machine's series, a dashboard's data. It writes nothing anywhere."""
