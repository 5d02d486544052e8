"""Numbers that several commands share; apart from the settings, which take long to import."""

LEAST_PAIRS = 10  # fewer are refused: nothing is learnt from them
MAX_UNREADABLE = 0.05  # share of unreadable files above which a command stops
