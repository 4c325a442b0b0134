"""What keeps a run going when a server does not: classes of errors, retries of one item, circuit breakers."""
