"""Sentences in groups of three, to find the cosine above which two mean the same.

The second says what the first says, in other words. The third is about the same subject and says
something else. No test of what is known about words uses these sentences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lfs_core.things.sentences import TextEmbedder

MEANINGS = (
    (
        "The library closes at eight on weekdays.",
        "On weekdays you cannot enter the library after eight.",
        "The library lends films to students for a week.",
    ),
    (
        "Our cat sleeps on the sofa all day.",
        "All day long the cat lies asleep on our couch.",
        "Our cat scratched the sofa to pieces.",
    ),
    (
        "The flight was cancelled because of fog.",
        "Fog meant that the plane did not leave.",
        "The flight landed an hour before its time.",
    ),
    (
        "Heat makes metal expand.",
        "When they get hot, metals grow larger.",
        "Salt water makes metal rust.",
    ),
    (
        "She gave up smoking ten years ago.",
        "It has been a decade since her last cigarette.",
        "She opened a tobacco shop ten years ago.",
    ),
    (
        "The bridge can carry lorries of up to forty tons.",
        "Vehicles heavier than forty tons must not cross the bridge.",
        "The bridge was painted green last spring.",
    ),
    (
        "The patient must not eat before the operation.",
        "Prior to surgery, the sick man has to go without food.",
        "The patient thanked the surgeon after the operation.",
    ),
    (
        "They got married in a small chapel in Scotland.",
        "Their wedding took place in a little Scottish church.",
        "They sold a small chapel in Scotland to a hotel.",
    ),
    (
        "My phone's battery is empty.",
        "My mobile has run out of power.",
        "My phone has a better camera than yours.",
    ),
    (
        "The team lost the final by a single goal.",
        "One goal decided the last match against the team.",
        "The team celebrated the final with ten thousand fans.",
    ),
    (
        "Bread gets stale quickly in dry air.",
        "If the air is dry, a loaf quickly becomes hard.",
        "Bread smells best in the early morning.",
    ),
    (
        "The volcano erupted without any warning.",
        "Nobody had foreseen the outbreak of the volcano.",
        "The volcano attracts climbers from all over the world.",
    ),
    (
        "He is afraid of heights.",
        "Looking down from tall buildings frightens him.",
        "He is the tallest in his class.",
    ),
    (
        "Tickets are free for children under six.",
        "Nobody younger than six has to pay for entry.",
        "Tickets for children under six are sold out.",
    ),
    (
        "The river flooded the cellar of the town hall.",
        "Water from the river filled the basement of the city hall.",
        "The river is too shallow for large ships.",
    ),
    (
        "The accountant made a mistake in the tax form.",
        "There was an error by the bookkeeper in the tax declaration.",
        "The accountant advised him to pay the tax in March.",
    ),
    (
        "Bees are vital for growing apples.",
        "Without bees there would hardly be any apples.",
        "Bees stung two boys under the apple tree.",
    ),
    (
        "It rained for the whole holiday.",
        "There was not one dry day during our vacation.",
        "We booked our holiday in January.",
    ),
    (
        "The violin costs more than his house.",
        "His home is worth less than the violin.",
        "The violin stands in a corner of his house.",
    ),
    (
        "You must wear a helmet on this site.",
        "Entering the building site without a hard hat is forbidden.",
        "The helmet on this shelf is too small for you.",
    ),
    (
        "The government wants to cut taxes for the poor.",
        "People with little money are to pay less tax, according to the ministers.",
        "The government resigned after a vote on taxes.",
    ),
    (
        "The mountain path is closed in winter.",
        "During the winter months nobody may use the trail up the mountain.",
        "The mountain path leads past two waterfalls.",
    ),
    (
        "She speaks four languages fluently.",
        "Four tongues come easily to her.",
        "She finds foreign languages boring.",
    ),
    (
        "The shop no longer accepts cash.",
        "You can pay only by card in this store now.",
        "The shop has moved to the other side of the street.",
    ),
    (
        "Sharks can smell blood from far away.",
        "Even distant blood is noticed by sharks.",
        "Sharks have no bones in their bodies.",
    ),
    (
        "The printer is out of paper.",
        "There are no sheets left in the printer.",
        "The printer is louder than a vacuum cleaner.",
    ),
    (
        "Many birds fly south before the winter.",
        "Lots of birds leave for warmer countries in autumn.",
        "Many birds sing louder in large cities.",
    ),
    (
        "The soup is too salty for me.",
        "I think there is too much salt in this broth.",
        "The soup is served with white bread.",
    ),
    (
        "He hid the keys under a flowerpot.",
        "The keys were concealed beneath a pot of plants.",
        "He lost the keys on the way to the airport.",
    ),
    (
        "The moon causes the tides.",
        "High and low water come from the pull of the moon.",
        "The moon was hidden behind thick clouds.",
    ),
    (
        "The actor forgot his lines on stage.",
        "During the play the performer could not remember what to say.",
        "The actor signed pictures behind the stage.",
    ),
    (
        "Two thirds of the villagers voted against the motorway.",
        "Most people in the village rejected the new highway.",
        "Two lorries collided on the motorway near the village.",
    ),
)


class Cosines(NamedTuple):
    """Of the pairs that the groups of `MEANINGS` make, each (N,).

    Attributes:
        same: one meaning.
        near: one subject, two meanings.
        far: two subjects: the first sentence of a group and that of the next one.
    """

    same: Tensor
    near: Tensor
    far: Tensor

    def right(self, threshold: float) -> tuple[float, float, float]:
        """Shares of each kind that a threshold judges rightly."""
        kinds = (self.same > threshold, self.near <= threshold, self.far <= threshold)
        one, two, three = (float(of.float().mean()) for of in kinds)
        return one, two, three

    def accuracy(self, threshold: float) -> float:
        """Share that is judged rightly; pairs of one meaning count as much as all the others."""
        one, two, three = self.right(threshold)
        return one / 2 + (two + three) / 4

    def of(self, groups: Tensor) -> Cosines:
        """Those of some groups (N,) bool."""
        return Cosines(*(cosines[groups] for cosines in self))


def cosines_of_meanings(embed: TextEmbedder) -> Cosines:
    """The cosines of the pairs of `MEANINGS` by a network."""
    first, second, third = (
        torch.nn.functional.normalize(torch.as_tensor(embed(list(of))), dim=-1)
        for of in zip(*MEANINGS, strict=True)
    )
    return Cosines(
        (first * second).sum(dim=1), (first * third).sum(dim=1), (first * first.roll(-1, 0)).sum(1)
    )


def best_threshold(found: Cosines) -> float:
    """The middle of the lowest range of thresholds with the highest accuracy, to three decimals."""
    ends = torch.cat(list(found)).unique()
    middles = (ends[1:] + ends[:-1]) / 2
    right = torch.tensor([found.accuracy(float(of)) for of in middles])
    return round(float(middles[int(right.argmax())]), 3)


def accuracy_on_others(found: Cosines) -> float:
    """The accuracy on each group of a threshold that the other groups have chosen."""
    groups = torch.arange(len(found.same))
    right = [found.of(groups == k).accuracy(best_threshold(found.of(groups != k))) for k in groups]
    return sum(right) / len(right)
