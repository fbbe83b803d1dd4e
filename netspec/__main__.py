"""`python -m netspec` is the command line."""

from netspec.cli import main

main()
