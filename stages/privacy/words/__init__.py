"""Word lists, one file a kind and language; read by :mod:`stages.privacy.vocabulary`."""
