"""Figures and reports: what a reader sees."""
