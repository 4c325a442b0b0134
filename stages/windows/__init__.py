"""Windows: contiguous ranges of messages, planned by arithmetic, read in one ordered pass, split and rendered."""
