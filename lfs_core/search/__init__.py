"""Galleries, and how they are searched."""
