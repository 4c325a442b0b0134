"""Names, numbers and addresses leave here as pseudonyms: the key, the aliases, the guard, the leak check."""
