"""Galleries, and what is asked of them."""
