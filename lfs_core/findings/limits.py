"""What has not been measured, or on little: the limitations page's numbers, in Markdown."""

from __future__ import annotations

from math import prod

from lfs_core.comparators import explainer_class
from lfs_core.embedders import network_title
from lfs_core.evaluation.names import images_title, listed, reader_name
from lfs_core.findings.choice import bullets, records
from lfs_core.findings.claims import CLAIMS
from lfs_core.findings.ledger import readings_of, verdict_of
from lfs_core.findings.multiverse import MULTIVERSES
from lfs_core.findings.stored import is_stored, stored_evaluation, stored_run
from lfs_core.findings.trust import shipped, standings


def drawn_in_words() -> str:
    """How many tests of pixel flipping were drawn, of how many that are possible."""
    runs = [stored_run(name) for name in MULTIVERSES if is_stored(name)]
    drawn = [len(of["tests"]) for of in runs]
    choices = runs[0]["manifest"]["choices"]
    possible = prod(len(choices[choice]) for choice in choices if choice in runs[0]["tests"][0])
    return (
        f"Tests of pixel flipping are {min(drawn)} to {max(drawn)} for each network, drawn at "
        f"random from {possible}."
    )


def limits_markdown() -> str:
    """The number of networks, pairs, tests, readings and reconstructions: a list in Markdown."""
    known = records()
    networks = dict.fromkeys(network for network, _ in standings())
    measured = [
        f"{network_title(name)} on {shipped()['similarities'][name][1]} pairs of "
        f"{images_title(shipped()['similarities'][name][0])}"
        for name in networks
        if name in shipped()["similarities"]
    ]
    read = {
        network_title(stored_run(name)["manifest"]["embedder"])
        for name in MULTIVERSES
        if is_stored(name)
    } - {network_title(name) for name in networks}
    few = stored_evaluation("all-methods")
    smallest = min((one for of in known.values() for one in of.tests), key=lambda one: one.pairs)
    untested = [reader_name(name) for name, of in known.items() if not of.tests]
    rebuilt = [reader_name(name) for name in known if not explainer_class(name).verified]
    readings = [len(readings_of(claim)) for claim in CLAIMS if readings_of(claim)]
    single = len(CLAIMS) - len(readings)
    others = f" The other {single} rest on one test." if single else ""
    elsewhere = [claim for claim in CLAIMS if verdict_of(claim) == "not reproduced here"]
    return bullets(
        [
            f"**{len(networks)} networks** were tested with all controls: {listed(measured)}."
            + (f" Readings of some claims are of {listed(sorted(read))}, too." if read else "")
            + " Claims about any other network are guesses; `lfs evaluate` measures yours.",
            f"**Not compared with controls**, or on {len(few.same)} pairs only: {len(untested)} of "
            f"{len(known)} methods, {listed(untested)}.",
            f"**Reconstructed**, since no formula could be checked: {listed(rebuilt)}. Their "
            "results may not be those of the originals.",
            f"**Few pairs**: the smallest of the tests that rank methods has {smallest.pairs}. A "
            "method that beats no control there may do so on more.",
            f"**Readings**: {len(readings)} of {len(CLAIMS)} claims are tested under several, "
            f"{min(readings)} to {max(readings)} each. {drawn_in_words()}{others}",
            f"**Not reproduced here**: {len(elsewhere)} claims name numbers of networks that we do "
            "not have.",
        ]
    )
