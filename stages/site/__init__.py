"""The site: static pages made from posts and messages, without a look at tables, settings or the clock."""
