"""What runs where there is no Python: networks in one file each, for a browser or a telephone."""
