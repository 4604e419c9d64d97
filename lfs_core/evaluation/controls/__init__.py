"""Controls, which ignore what they should explain, and reference methods that look at the test."""
