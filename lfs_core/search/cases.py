"""Cases of a gallery for the class of an answer, and cases against it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.search.class_to_class import ClassToClass
from lfs_core.search.gallery import Gallery


@dataclass(frozen=True)
class Case:
    """A photograph of the gallery that is evidence for a class or against it.

    Attributes:
        position: in the gallery.
        name: its path below the gallery's folder.
        label: its class.
        similarity: cosine with the query, in [-1,1].
        pattern: in [-1,1], above 0 where the query differs from the case as the answer's class
            differs from the case's; None for a case of the answer's class. See `find_cases`.
    """

    position: int
    name: str
    label: str
    similarity: float
    pattern: float | None


@dataclass(frozen=True)
class Cases:
    """Why a query is of a class.

    Attributes:
        label: the class of the query's nearest photograph.
        runner_up: the class of the nearest photograph of another class.
        margin: by how much the first is nearer, as a difference of cosines.
        supportive: cases of the class, nearest first.
        contrastive: cases of the runner-up, nearest first.
        learnt: whether a class-to-class network gave the patterns.
    """

    label: str
    runner_up: str
    margin: float
    supportive: list[Case]
    contrastive: list[Case]
    learnt: bool = False


def find_cases(
    gallery: Gallery,
    h: Tensor,
    number: int = 3,
    query: int | None = None,
    *,
    learnt: bool = False,
) -> Cases:
    """The nearest cases for the answer to a query, and the nearest against it.

    After Ye, Leake, Huibregtse and Dalkilic (2020), whose network learns the pattern of how one
    class differs from another, and finds a class by the cases from which a query differs as that
    class does. Reconstructed, in two ways. By default nothing is learnt: the pattern from class c
    to class d is the mean embedding of d less that of c. A case's pattern is the cosine of that
    with the step from the case to the query. If `learnt`, a `ClassToClass` network learns from the
    gallery what such steps say. A case's pattern is then the probability that its step leads to the
    answer's class, less that it stays in its own.

    A case of the runner-up is evidence against the answer by being near. If the query differs from
    it as the two classes do, then what tells them apart is there, and the contrast supports the
    answer after all.

    Args:
        gallery: of two classes or more.
        h: (D,), the query's embedding.
        number: of cases of each kind, 1 or more; fewer where a class has no more.
        query: the query's position in the gallery, which is no case of its own.
        learnt: whether a network learns the patterns; of 100 classes that takes a minute.

    Raises:
        LFSError: `number` is below 1, there are fewer than two classes but for the query, or more
            than a network learns.
    """
    if number < 1:
        raise LFSError(f"number is {number}; it must be at least 1.")
    others = [k for k in range(len(gallery)) if k != query]
    labels = gallery.labels
    if len({labels[k] for k in others}) < 2:
        but = "" if query is None else "Without the query, "
        raise LFSError(
            f"{but}{'T' if not but else 't'}he gallery has fewer than two classes; cases for one "
            "class and against it need two, each in a folder of its own."
        )
    similarity = gallery.similarities(h)
    order = sorted(others, key=lambda k: -similarity[k].item())
    nearest = order[0]
    label = labels[nearest]
    rival = next(k for k in order if labels[k] != label)
    of = {
        name: gallery.embeddings[torch.tensor([k for k in others if labels[k] == name])].mean(dim=0)
        for name in (label, labels[rival])
    }
    direction = of[label] - of[labels[rival]]
    unit = torch.nn.functional.normalize(h, dim=0)
    network = None
    if learnt:
        network = ClassToClass.fit(gallery.embeddings[others], [labels[k] for k in others])

    def pattern(k: int) -> float:
        if network is None:
            step = unit - gallery.embeddings[k]
            return torch.cosine_similarity(step, direction, dim=0).item()
        (chances,) = network.evidence(h, gallery.embeddings[[k]], [labels[k]]).exp()
        answer, own = (network.labels.index(name) for name in (label, labels[k]))
        return (chances[answer] - chances[own]).item()

    def case(k: int) -> Case:
        found = pattern(k) if labels[k] != label else None
        return Case(k, gallery.photographs[k].name, labels[k], similarity[k].item(), found)

    def cases(name: str) -> list[Case]:
        return [case(k) for k in order if labels[k] == name][:number]

    return Cases(
        label,
        labels[rival],
        (similarity[nearest] - similarity[rival]).item(),
        cases(label),
        cases(labels[rival]),
        learnt,
    )


def cases_in_words(found: Cases) -> str:
    """The cases of a query as lines of text."""
    lines = [
        f"class {found.label} rather than {found.runner_up}, nearer by {found.margin:.3f}",
        f"for {found.label}",
    ]
    lines += [f"      {of.similarity:+.3f}  {of.name}" for of in found.supportive]
    lines.append(f"against it: the nearest of {found.runner_up}")
    for of in found.contrastive:
        assert of.pattern is not None
        told = "it differs from the query as the classes do"
        told = told if of.pattern > 0 else "what tells the classes apart is missing"
        by = "learnt pattern" if found.learnt else "pattern"
        lines.append(f"      {of.similarity:+.3f}  {of.name}  {by} {of.pattern:+.3f}: {told}")
    return "\n".join(lines)
