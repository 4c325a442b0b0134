"""One module per subcommand of the command line, each with its ``command``."""
