"""Pairs of sentences of which we know what differs, or which word answers which; written for this.

`|` parts what the first sentence says from what the second says instead.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import Tensor

from lfs_core.things.sentences import words

EXCHANGED = (
    "The children played {in the garden|with a broken radio} until it was dark.",
    "My sister bought {a red bicycle|two kilos of apples} on Saturday morning.",
    "The committee will {publish the report|visit the factory} before the end of May.",
    "After dinner we {walked along the river|watched an old film} and then went home.",
    "The nurse {measured his temperature|called a taxi} while he waited in the hall.",
    "Her grandfather {repaired clocks|raised horses} in a small town near the border.",
    "The train to Lyon was late because {a tree had fallen|the driver was ill} that night.",
    "He keeps {his old letters|a spare key} in the drawer under the window.",
    "The students wrote {an essay about slavery|a program for robots} during the summer term.",
    "In winter the lake {freezes completely|attracts many birds} and the hotel closes.",
    "The bank {raised its interest rates|dismissed forty workers} at the beginning of the year.",
    "Our neighbours {painted their fence|sold their boat} as soon as the weather was good.",
    "The museum shows {Roman coins|modern sculpture} in the rooms on the second floor.",
    "She told the police that {her purse was stolen|nobody had left} shortly after ten.",
    "The cook added {some lemon juice|fried onions} to the soup and tasted it again.",
    "They want to {build a school|dig a well} on the land that belongs to the village.",
    "The new law {protects tenants|limits fishing} in all parts of the country.",
    "When the storm began {the sailors lowered the sails|our dog hid upstairs} at once.",
    "The professor {lost her glasses|missed a lecture} for the first time in years.",
    "Please {water the plants|feed the rabbits} every second day while we are away.",
    "The orchestra played {a slow waltz|the national anthem} before the guests sat down.",
    "The mechanic found {a crack in the engine|oil on the brakes} and wrote it on the bill.",
    "Most visitors come {by train|for the cheese} and stay in the village for a week.",
    "The farmer {sold his potatoes|met his lawyer} in the market square on Monday.",
)

PARAPHRASES = (
    (
        "The doctor cured the child.",
        "A physician healed the kid.",
        "doctor=physician cured=healed child=kid",
    ),
    (
        "He purchased a large house.",
        "A big home was bought by him.",
        "purchased=bought large=big house=home",
    ),
    (
        "The film was very boring.",
        "It was an extremely dull movie.",
        "film=movie very=extremely boring=dull",
    ),
    (
        "A quick fox jumps over the fence.",
        "Over the hedge leaps a fast fox.",
        "quick=fast fox=fox jumps=leaps fence=hedge",
    ),
    (
        "The author finished her novel.",
        "Her book was completed by the writer.",
        "author=writer finished=completed novel=book",
    ),
    (
        "Police arrested the thief yesterday.",
        "Yesterday the burglar was caught by officers.",
        "Police=officers arrested=caught thief=burglar yesterday=Yesterday",
    ),
    ("The infant is asleep.", "That baby is sleeping.", "infant=baby asleep=sleeping"),
    (
        "Trees lose their leaves in autumn.",
        "In the fall, foliage drops from trees.",
        "Trees=trees lose=drops leaves=foliage autumn=fall",
    ),
    (
        "The boat sank near the coast.",
        "Close to the shore a ship went down.",
        "boat=ship near=Close coast=shore",
    ),
    (
        "She repaired the broken car.",
        "The damaged automobile was fixed by her.",
        "repaired=fixed broken=damaged car=automobile",
    ),
    (
        "The teacher praised the pupils.",
        "Students got compliments from their instructor.",
        "teacher=instructor praised=compliments pupils=Students",
    ),
    (
        "Cheap flights are rare in July.",
        "In July, inexpensive air travel is uncommon.",
        "Cheap=inexpensive rare=uncommon July=July",
    ),
    (
        "The king spoke to his soldiers.",
        "The monarch addressed the troops.",
        "king=monarch spoke=addressed soldiers=troops",
    ),
    (
        "A woman cooks rice in the kitchen.",
        "In the kitchen, rice is prepared by a lady.",
        "woman=lady cooks=prepared rice=rice kitchen=kitchen",
    ),
    (
        "The company hired ten engineers.",
        "Ten technicians were employed by the firm.",
        "company=firm hired=employed ten=Ten engineers=technicians",
    ),
    (
        "Rain destroyed the harvest.",
        "The crops were ruined by wet weather.",
        "destroyed=ruined harvest=crops",
    ),
    (
        "My brother hates spiders.",
        "Bugs are disgusting to my sibling.",
        "brother=sibling hates=disgusting spiders=Bugs",
    ),
    (
        "The concert begins at noon.",
        "At midday the music starts.",
        "concert=music begins=starts noon=midday",
    ),
    (
        "Wolves attacked the sheep at night.",
        "During the night, the flock was assaulted by wolves.",
        "Wolves=wolves attacked=assaulted sheep=flock night=night",
    ),
    (
        "The old man walked slowly to church.",
        "To the chapel strolled an elderly gentleman.",
        "old=elderly man=gentleman walked=strolled church=chapel",
    ),
    (
        "The judge believed the witness.",
        "The testimony convinced the magistrate.",
        "judge=magistrate believed=convinced witness=testimony",
    ),
    (
        "Scientists discovered a new planet.",
        "An unknown world was found by researchers.",
        "Scientists=researchers discovered=found new=unknown planet=world",
    ),
)


class Exchanged(NamedTuple):
    """Two sentences that differ in one clause.

    Attributes:
        texts: both.
        truth: (K,) and (L,) bool, which words differ.
    """

    texts: tuple[str, str]
    truth: tuple[Tensor, Tensor]


class Paraphrase(NamedTuple):
    """Two sentences that say one thing.

    Attributes:
        texts: both.
        pairs: which word of the first, counted from 0, answers which of the second.
    """

    texts: tuple[str, str]
    pairs: tuple[tuple[int, int], ...]


def exchanged(line: str) -> Exchanged:
    """The pair of a line of `EXCHANGED`."""
    before, one, other, after = re.split(r"[{|}]", line)
    counts = [len(words(of)) for of in (before, one, other, after)]
    truth = tuple(
        torch.tensor([False] * counts[0] + [True] * inside + [False] * counts[3])
        for inside in counts[1:3]
    )
    return Exchanged((before + one + after, before + other + after), (truth[0], truth[1]))


def paraphrase(first: str, second: str, pairs: str) -> Paraphrase:
    """The pair of an entry of `PARAPHRASES`."""
    places = [pair.split("=") for pair in pairs.split()]
    found = tuple((words(first).index(a), words(second).index(b)) for a, b in places)
    return Paraphrase((first, second), found)
