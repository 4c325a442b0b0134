"""What a page says, read from the page and never imagined from its address.

``read`` takes a page's bytes apart (``readers`` does so in processes of their own), ``gist`` and ``describe`` tell it
in few words, ``cache`` remembers it across archives. Everything a page holds is untrusted: what leaves this package is
plain text without markup or invisible characters, capped, and addresses that are absolute http(s).
"""
