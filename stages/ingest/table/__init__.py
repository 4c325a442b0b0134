"""Tables of messages: CSV, Parquet and JSON lines, whose columns are named by the user or guessed where it is plain.

A file becomes rows of the columns that matter (:mod:`rows`), whichever format it has; from there on all are read by
one reader (:mod:`reader`).
"""
