"""What a person looks at on the local page, worked out from what was read: rows, sums, sentences. Decides nothing."""
