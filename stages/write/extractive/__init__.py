"""The offline writer: posts from a window's own words, without a key, a network or chance.

It selects and arranges; every word between its own short connecting phrases is somebody's message.
"""
