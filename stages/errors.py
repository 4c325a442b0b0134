"""The two errors that a person ever reads: one sentence each, saying what, where, and what to do.

A stage raises a subclass of its own where a caller can decide something by it; the command line only looks at
``exit_code`` and prints the sentence, never a stack trace.
"""


class StreamlinerError(Exception):
    """The run failed: one clear sentence, exit status 1."""

    exit_code = 1


class BadInput(StreamlinerError):
    """What was given cannot be used (export, option, setting, archive): exit status 2, nothing was changed."""

    exit_code = 2
