"""The site: static pages made from posts and messages. Knows nothing of the archive's tables and of who publishes it."""
