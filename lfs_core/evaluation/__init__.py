"""Measures how good explanations are."""
