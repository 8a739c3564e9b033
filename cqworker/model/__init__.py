"""The protocol as pure rules: records, messages, the writes and the claim table."""
