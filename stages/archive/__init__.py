"""The archive on disk: its schema, who may open it, how exports merge into it, how a version is published."""
