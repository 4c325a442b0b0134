"""ZIPs as they come from strangers: where the directory is, what it lists, and the bytes of one entry."""
