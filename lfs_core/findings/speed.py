"""The speed page's tables, in Markdown."""

from __future__ import annotations

from typing import Any


def speed_markdown(bench: dict[str, Any]) -> str:
    """The speed page's tables, in Markdown."""
    results, manifest = bench["results"], bench["manifest"]
    single, batch = results["embedder, single images"], results["embedder, batches of 32"]
    memory = results["memory"]
    growth = memory["100000"] / memory["10000"]
    adamw = results["closed form"]["adamw"]
    times = f"{results['closed form']['ratio']:.0f} times"
    closed_form = f"{times} faster"
    if not adamw["arrived"]:
        above = f"{adamw['loss_above_closed_form']:.0%}"
        closed_form = f"more than {times}: after so long AdamW's loss was still {above} above"
    difference = max(single["largest_difference"], batch["largest_difference"])
    fit = results["lfs fit"]
    lines = [
        "| What is compared, side by side in one run | goal | measured |",
        "| --- | --- | --- |",
        f"| FaceNet here against facenet-pytorch, batches of 32 | at least 2.0 times faster "
        f"| {_ratio(batch)} times faster |",
        f"| the same, single images | at least 1.8 times faster | {_ratio(single)} times faster |",
        f"| largest difference of an embedding's values from PyTorch's | at most 0.00001 "
        f"| {difference:.1e} |",
        f"| `lfs fit` on {fit['images']} aligned faces, from the shell to the decoder, against "
        f"bare forward passes | at most 1.15 times as long | {fit['ratio']:.2f} times |",
        f"| linear decoder in closed form against AdamW, to a loss within 1 % "
        f"| at least 50 times faster | {closed_form} |",
        f"| one explanation against two forward passes | at most 1.10 times as long "
        f"| {_ratio(results['explanation'])} times |",
        f"| peak memory of the linear fit, 100,000 embeddings against 10,000 "
        f"| at most 1.2 times | {growth:.2f} times |",
        "",
        "In brackets: quartiles over the rounds.",
        "",
        "| In this run | seconds | of the other |",
        "| --- | ---: | ---: |",
    ]
    for name, result in results.items():
        if "seconds" in result:
            lines.append(f"| {name} | {result['seconds']:.3g} | {result['seconds_of_other']:.3g} |")
    sizes = ", ".join(f"{int(n):,} embeddings {mb:.0f} MB" for n, mb in memory.items())
    lines += [
        "",
        f"Peak memory of the process: {sizes}.",
        "",
        f"Measured by `{manifest['command']}` on {manifest['cores']} cores "
        f"({manifest['processor']}), {manifest['threads']} threads, commit "
        f"`{manifest['commit']}`, {manifest['finished']} UTC, in {manifest['seconds']:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def throughput_markdown(throughput: dict[str, Any]) -> str:
    """The table of methods of many passes, in Markdown."""
    manifest = throughput["manifest"]
    lines = [
        "| Images a second through the network | goal | measured |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {name} ({result['passes']:,} passes), as a share of the bare network's "
        f"| at least 0.90 | {_ratio(result)} |"
        for name, result in throughput["results"].items()
    ]
    lines += [
        "",
        f"Measured by `{manifest['command']}`, commit `{manifest['commit']}`, "
        f"{manifest['finished']} UTC, in {manifest['seconds']:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def _ratio(result: dict[str, Any]) -> str:
    low, high = result["quartiles"]
    return f"{result['ratio']:.2f} [{low:.2f}, {high:.2f}]"
