"""Sounds: read, heard by networks, taken apart."""
