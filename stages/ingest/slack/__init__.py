"""Slack exports: a ZIP with lists of users and channels, and one JSON file a day and channel."""

from stages.ingest.slack.reader import matches, open_reader

__all__ = ["PLATFORM", "matches", "open_reader"]

PLATFORM = "slack"
