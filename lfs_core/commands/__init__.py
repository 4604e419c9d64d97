"""The commands of `lfs`, a file for each group; each imports what it needs when it is called."""
