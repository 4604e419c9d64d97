"""`python -m lfs_core` is `lfs`."""

from lfs_core.cli import main

main()
