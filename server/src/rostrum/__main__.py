"""`python -m rostrum` is the `rostrum` command."""

from rostrum.cli import main

main()
