"""How it runs: one thin Prefect task per stage function, with its retries, limits, names and artifacts."""
