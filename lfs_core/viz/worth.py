"""What a gallery's answer is worth, in words."""

from __future__ import annotations

from lfs_core.search.retriever import Answer
from lfs_core.training.recall import KS

__all__ = ["worth"]


def worth(answer: Answer) -> str:
    """How many of the nearest photographs are right, with AP and Recall@k, if that is known."""
    if answer.position is None:
        return "An image from outside the gallery: what is right is not known."
    precision = answer.average_precision
    if precision is None:
        return "No other photograph of its class is in the gallery."
    right = [hit.label == answer.label for hit in answer.nearest]
    top = len(right)
    recalls = [f"@{k} {'yes' if any(right[:k]) else 'no'}" for k in KS if k <= top]
    found = f"{sum(right)} of {answer.relevant} in the top {top}"
    return f"{found}, AP@{top} {precision:.2f}, Recall{', '.join(recalls)}"
