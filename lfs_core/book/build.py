"""The book: notebooks executed by papermill, then built by Jupyter Book with execution off.

`_build/executed` holds a run of each notebook, with a manifest that says what it was made from. A
notebook is run again when its code, the code that it imports, the results that it reads, its
parameters, or an installed version changed. If only its prose changed, only the prose is updated.
`_build/source` is what Jupyter Book reads, `_build/html` what it writes.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import nbformat
import yaml
from filelock import FileLock

from lfs_core.book import run
from lfs_core.book.address import write_configuration
from lfs_core.book.citation import citation, how_to_cite
from lfs_core.book.kernel import CHART
from lfs_core.book.pages import PREVIEW
from lfs_core.book.plotly_script import plotly_script
from lfs_core.book.run import DEMO, TIER
from lfs_core.book.try_it import try_it
from lfs_core.book.written import PICTURES, write_pages
from lfs_core.embedders import network_title
from lfs_core.errors import LFSError
from lfs_core.evaluation import workers
from lfs_core.findings.speed import speed_markdown, throughput_markdown
from lfs_core.findings.stored import stored_run
from lfs_core.studies import own_networks
from lfs_core.util.digests import key
from lfs_core.util.manifest import RESULTS, changed_since, parts_changed
from lfs_core.viz.chart import SCRIPT
from lfs_core.viz.first_flips import first_flips
from lfs_core.viz.method_pictures import draw_methods

log = logging.getLogger(__name__)

LONGEST = ("05_methods_side_by_side",)  # begun first, so that no core waits for it at the end
PLOTLY = re.compile('(<script type="text/plain" class="lfs-plotly">)[^<]*')
PAGES = ("html", "singlehtml")  # the builders that Jupyter Book knows by name
TRY_IT = "try_it"  # the folder of what the page of that name loads
SHOWN = 3  # names of what has changed since a result was made
DATA = "application/vnd.lfs."  # types of outputs that a page does not show
FIGURE = "application/vnd.plotly."  # for JupyterLab; a page has HTML of it
# MathJax comes in eight bundles, of which the pages load tex-chtml.js; maps serve debuggers. It
# reads formulas aloud in eleven languages; the book is in one.
UNUSED = (
    "*.map",
    "*-svg*.js",
    "svg",
    "mml-chtml.js",
    "tex-mml-*.js",
    "tex-*-full*.js",
    "node-main.js",
    *(
        f"{language}.json"
        for language in ["ca", "da", "de", "es", "fr", "hi", "it", "nb", "nn", "sv"]
    ),
)


def build(root: Path, store: bool = False, pdf: bool = False, epub: bool = False) -> None:
    """Run what changed, then build the site in `_build/html`.

    Args:
        root: the project's folder, with `_config.yml`, `_toc.yml`, `book` and `notebooks`.
        store: copy the text outputs of the executed notebooks into the committed ones.
        pdf: print the book as well, as `_build/book.pdf`.
        epub: write it for readers of electronic books, too, as `_build/book.epub`.

    Raises:
        LFSError: this is not the project's folder, a notebook failed, the build warned, or there
            is nothing to print with.
    """
    notebooks = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    if not notebooks or not (root / "_toc.yml").is_file():
        raise LFSError(f"{root} is not the book's folder: it has no notebooks or no _toc.yml.")
    work = root / "_build"
    work.mkdir(exist_ok=True)
    with FileLock(work / "lock"):  # a second build waits, and then finds little to do
        manifests = execute_all(notebooks, work / "executed")
        if store:
            for notebook in notebooks:
                store_outputs(executed_copy(notebook.stem, work / "executed"), notebook)
        source = assemble(root, work, manifests)
        build_pages(source, work)
        if pdf:
            print_pages(source, work)
        if epub:
            write_epub(source, work)
    log.info("The book is %s", work / "html" / "index.html")


def build_pages(source: Path, work: Path) -> None:
    """Let Jupyter Book turn `source` into `html` unless it has; any warning is an error.

    Raises:
        LFSError: the build failed or warned.
    """
    made_from, record = pages_key(source), work / "html.key"
    if (
        (work / "html").is_dir()
        and record.is_file()
        and record.read_text(encoding="utf-8") == made_from
    ):
        log.info("The pages are up to date.")
        return
    record.unlink(missing_ok=True)
    log.info("Building the pages ...")
    site = jupyter_book(source, work, "html")
    shutil.rmtree(work / "html", ignore_errors=True)
    shutil.copytree(site, work / "html", ignore=shutil.ignore_patterns(*UNUSED))
    record.write_text(made_from, encoding="utf-8")


def pages_key(source: Path) -> str:
    """The key of the pages that Jupyter Book makes from a folder."""
    files = {str(file.relative_to(source)): file for file in source.rglob("*") if file.is_file()}
    makers = {name: version(name) for name in ("jupyter-book", "sphinx", "sphinx-book-theme")}
    return key(code=["lfs_core.book.pages:setup"], build=Path(__file__), files=files, makers=makers)


def print_pages(source: Path, work: Path) -> None:
    """Print the book as `book.pdf`.

    Raises:
        LFSError: the build failed or warned, or there is nothing to print with.
    """
    from lfs_core.book.pdf import one_page, print_book

    log.info("Printing ...")
    print_book(one_page(jupyter_book(source, work, "singlehtml")), work / "book.pdf")
    log.info("The book to print is %s", work / "book.pdf")


def write_epub(source: Path, work: Path, site: Path | None = None) -> None:
    """Write the book as `book.epub`.

    Args:
        source: what the pages are built from.
        work: the folder to write to.
        site: the built pages; by default those in `work`.

    Raises:
        LFSError: the build failed or warned, or there is no Chromium to draw its charts.
    """
    from lfs_core.book.epub import epub_source, finish_epub

    log.info("Writing the EPUB ...")
    made = jupyter_book(epub_source(source, work / "epub-source"), work, "epub")
    finish_epub(made / "book.epub", source, site or work / "html", work / "book.epub")
    log.info("The book for readers is %s", work / "book.epub")


def jupyter_book(source: Path, work: Path, builder: str) -> Path:
    """Run Jupyter Book, and return the folder that it wrote; any warning is an error.

    It always starts from nothing, which takes seconds: what Sphinx remembers about changed pages
    leads to false warnings and stale pages.

    Raises:
        LFSError: the build failed or warned.
    """
    shutil.rmtree(work / "jupyter-book", ignore_errors=True)
    main = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", main, "build", str(source), "-W", "-n", "--keep-going"]
    kind = [builder] if builder in PAGES else ["custom", "--custom-builder", builder]
    command += ["--builder", *kind, "--path-output", str(work / "jupyter-book")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    (work / "build.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
        raise LFSError(
            f"Jupyter Book failed; its log is {work / 'build.log'}.\n"
            + "\n".join(warnings or done.stderr.splitlines()[-20:])
        )
    return work / "jupyter-book" / "_build" / builder


def execute_all(notebooks: Sequence[Path], folder: Path) -> list[dict[str, Any]]:
    """Run the notebooks without an up-to-date run, two at a time; the manifests of all.

    Most of their work is too small for several threads, so two notebooks with half of the cores
    each finish earlier than one after the other.

    Raises:
        LFSError: one failed.
    """
    missing = [n for n in notebooks if not run.is_done(folder / n.stem, run.origin(n, {}))]
    missing.sort(key=lambda notebook: notebook.stem not in LONGEST)
    log.info("%d of %d notebooks are up to date.", len(notebooks) - len(missing), len(notebooks))
    jobs = max(1, min(2, len(missing), os.cpu_count() or 1))
    work = partial(execute, folder=folder)
    for notebook, manifest in workers.run(work, missing, jobs, ahead=1):
        log.info("Ran %s in %.0f s.", notebook.name, manifest["seconds"])
    for notebook in notebooks:
        run.renew_prose(folder / notebook.stem, notebook)
    return [manifest_of(folder / notebook.stem) for notebook in notebooks]


def execute(notebook: Path, folder: Path) -> dict[str, Any]:
    """Run a notebook unless its run in this folder is up to date; return its manifest.

    Raises:
        LFSError: a cell failed, or was not executed.
    """
    place = folder / notebook.stem
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{notebook.stem}.lock"):  # the second process finds it done
        if run.is_done(place, run.origin(notebook, {})):
            run.renew_prose(place, notebook)
        else:
            run.run_notebook(notebook, {}, place, progress=False)
        return manifest_of(place)


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a run that is done."""
    return cast("dict[str, Any]", run.read_manifest(folder))


def executed_copy(name: str, folder: Path) -> Path:
    """The executed notebook of this name."""
    return folder / name / f"{name}.ipynb"


def store_outputs(executed: Path, notebook: Path) -> None:
    """Copy text outputs into a committed notebook; pictures and times stay out."""
    run, stored = (nbformat.read(path, as_version=4) for path in (executed, notebook))
    for source, target in zip(run.cells, stored.cells, strict=True):
        if target.cell_type != "code":
            continue
        target.execution_count = source.execution_count
        # What is not compared, progress bars and pages full of pictures, is not kept either.
        ignored = "nbval-ignore-output" in target.metadata.get("tags", ())
        kept = [] if ignored else source.outputs
        target.outputs = [output for output in kept if output.get("name") != "stderr"]
        for output in target.outputs:
            if "data" in output:
                output.data = {mime: v for mime, v in output.data.items() if "text/" in mime}
    nbformat.write(stored, notebook)


def assemble(root: Path, work: Path, manifests: list[dict[str, Any]]) -> Path:
    """Lay out what Jupyter Book reads: configuration, pages, executed notebooks, run table."""
    source = work / "source"
    shutil.rmtree(source, ignore_errors=True)
    draw_methods(root / "book" / PICTURES)  # where they are kept from one build to the next
    shutil.copytree(root / "book", source / "book")
    shutil.copytree(root / "book" / "_static", source / "_static")
    (source / "notebooks").mkdir()
    (source / "files").mkdir()
    # Not under _static: each page loads every script there.
    (source / "files" / "plotly.min.js").write_text(plotly_script(), encoding="utf-8")
    for script in (SCRIPT, Path(__file__).with_name("enlarge.js")):
        shutil.copy2(script, source / "files")
    shutil.copy2(root / "book" / "images" / "matches.png", source / "files" / PREVIEW)
    (source / "files" / "CITATION.cff").write_text(
        yaml.safe_dump(citation(root), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    write_configuration(root, source)
    shutil.copy2(root / "_toc.yml", source)
    for manifest in manifests:
        lay_out_notebook(executed_copy(manifest["notebook"], work / "executed"), source)
    (source / "book" / "how_to_cite.md").write_text(how_to_cite(root), encoding="utf-8")
    notebooks = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    (source / "book" / "parameters.md").write_text(
        run.parameters_markdown(notebooks), encoding="utf-8"
    )
    stored = {path.stem: stored_run(path.stem)["manifest"] for path in RESULTS.glob("*.json")}
    (source / "book" / "runs.md").write_text(
        run_table(manifests) + stored_table(stored), encoding="utf-8"
    )
    speed = speed_markdown(stored_run("bench"))
    speed += "\n" + throughput_markdown(stored_run("throughput"))
    (source / "book" / "speed_tables.md").write_text(speed, encoding="utf-8")
    (source / "book" / "own_networks_table.md").write_text(
        own_networks.markdown(own_networks.try_all()), encoding="utf-8"
    )
    write_pages(source / "book")
    flips = without_plotly(first_flips().page())
    (source / "book" / "computed" / "flips.md").write_text(
        f"```{{raw}} html\n{flips}\n```\n", encoding="utf-8"
    )
    # In a folder of its own, for the one page that loads it.
    tried = without_plotly(try_it(source / "files" / TRY_IT, f"../{TRY_IT}/"))
    (source / "book" / "computed" / "try_it.md").write_text(
        f"```{{raw}} html\n{tried}\n```\n", encoding="utf-8"
    )
    return source


def lay_out_notebook(executed: Path, source: Path) -> None:
    """Put a notebook where Jupyter Book reads it, its numbers and arrays where it copies them."""
    notebook = nbformat.read(executed, as_version=4)
    downloads = source / "files" / "downloads" / executed.stem
    downloads.mkdir(parents=True)
    for name in ("numbers.json", "arrays.npz"):
        if (executed.parent / name).is_file():
            shutil.copy2(executed.parent / name, downloads)
    notebook.metadata.pop("widgets", None)  # views come as HTML; nothing would show their state
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if CHART in data:
                data["text/html"] = data[CHART]
            for mime in [mime for mime in data if mime.startswith((DATA, FIGURE))]:
                del data[mime]
            if "text/html" in data:
                data["text/html"] = without_plotly("".join(data["text/html"]))
    nbformat.write(notebook, source / "notebooks" / executed.name)


def without_plotly(html: str) -> str:
    """A view that leaves its plotly.js behind: the site has one for all pages."""
    return PLOTLY.sub(r"\1", html)


def run_table(manifests: list[dict[str, Any]]) -> str:
    """The status page's tables, in Markdown."""
    lines = [
        "| notebook | tier | network | seed | commit | finished | seconds |",
        "| --- | --- | --- | --- | --- | --- | ---: |",
    ]
    lines += [
        f"| {{doc}}`/notebooks/{m['notebook']}` | {m['tier']} | {network_title(m['network'])} "
        f"| {m['seed']} | `{m['commit']}` | {m['finished']} | {m['seconds']} |"
        for m in manifests
    ]
    sources = "; ".join(data for data, _ in DEMO.values())
    lines += ["", f"Data of the {TIER} tier: {sources}.", "", "Parameters:", ""]
    for m in manifests:
        given = [f"{name} = {value!r}" for name, value in m["parameters"].items()]
        lines += [f"{m['notebook']}", "```python", *given, "```", ""]
    lines += ["| package | version |", "| --- | --- |"]
    lines += [f"| {name} | {v} |" for name, v in manifests[-1]["versions"].items()]
    return "\n".join(lines) + "\n"


def stored_table(manifests: dict[str, dict[str, Any]]) -> str:
    """Where the stored results come from, in Markdown; by name."""
    lines = [
        "",
        "Stored results, which the notebooks show and do not compute:",
        "",
        "| results | command | tier | commit | finished | seconds | code since then |",
        "| --- | --- | --- | --- | --- | ---: | --- |",
    ]
    lines += [
        f"| `{name}.json` | `{m['command']}` | {m.get('tier', 'demo')} | `{m['commit']}` "
        f"| {m['finished']} | {_seconds(m)} | {code_since(m)} |"
        for name, m in sorted(manifests.items())
    ]
    return "\n".join(lines) + "\n"


def _seconds(manifest: Mapping[str, Any]) -> str:
    """How long a run took, and how much it had from runs before it."""
    before = manifest.get("records_from_before")
    had = f", {before} of {manifest['records']} parts kept from before" if before else ""
    return f"{manifest['seconds']}{had}"


def code_since(manifest: Mapping[str, Any]) -> str:
    """Whether the code that made a stored result still says the same, in words."""
    changed = changed_since(manifest)
    if changed is None:
        return "not recorded"
    if not changed:
        return "unchanged"
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    parts = ", ".join(f"`{part}`" for part in parts_changed(manifest, changed))
    of = f" (numbers of {parts})" if parts else ""
    return f"**changed**: {', '.join(f'`{name}`' for name in changed[:SHOWN])}{more}{of}"
