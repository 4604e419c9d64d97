"""What knows nothing of a pair, and what looks at the test."""
