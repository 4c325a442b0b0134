"""The sample chat: eight friends, two months, written for this project and woven into WhatsApp exports.

The conversation is text under ``chat/``, one file a storyline; the code here only gives it seconds, pictures and the
grammar of the two platforms. No other part of the product imports this package.
"""
