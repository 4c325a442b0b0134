"""Ingest: an export goes in, the canonical table of messages comes out, streamed in blocks."""
