"""``python -m sourcefree.cli``."""

from sourcefree.cli import main

main()
