"""`python -m km365` is the same as `km365`."""

from km365.cli import main

main()
