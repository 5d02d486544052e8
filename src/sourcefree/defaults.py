"""Defaults that the command line shows too; apart from the settings, which take long to import."""

MAX_UNREADABLE = 0.05  # share of unreadable files above which a command stops
