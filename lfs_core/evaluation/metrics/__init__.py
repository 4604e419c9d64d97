"""Metrics of maps, one file for each."""
