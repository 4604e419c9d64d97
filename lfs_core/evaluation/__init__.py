"""How good retrieval is, and how good explanations are."""
