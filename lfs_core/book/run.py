"""Run a notebook with other parameters; all that comes of it lies in one folder.

A folder holds the executed notebook, its figures, `numbers.json`, `manifest.json`, and
`arrays.npz` where the notebook keeps arrays. It appears whole or not at all.
"""

from __future__ import annotations

import ast
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import nbformat
from filelock import FileLock

from lfs_core.book.parameters import allowed, check_parameters, parse_parameters
from lfs_core.errors import LFSError
from lfs_core.util.assets import CELEBRITY_FACES
from lfs_core.util.code import Code, code_of, code_of_cells, files_beside
from lfs_core.util.digests import key
from lfs_core.util.extras import needs
from lfs_core.util.files import check_outputs, file_name, reason, replacing
from lfs_core.util.kept import save_somewhere
from lfs_core.util.manifest import RESULTS, commit, made_by, shipped_weights, versions

log = logging.getLogger(__name__)

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STORED = "lfs_core.findings.stored"  # reads the stored results
TIER = "demo"
# What a notebook works on, by the parameter that names it: data and network.
DEMO = {
    "faces": (f"{CELEBRITY_FACES.name}, from {CELEBRITY_FACES.package}", "facenet-casia"),
    "images": ("crops of photographs that installed packages ship", "efficientnet-lite0"),
}
NUMBERS, ARRAYS = "numbers.json", "arrays.npz"  # in a run's folder
START = 300  # seconds that a kernel may take to start, on a machine that has much to do
STARTS = 3  # of a kernel: another program may take a port that was free a moment ago
UNANSWERED = "before replying to kernel_info"  # nbclient's words of a kernel that ran nothing


def find_notebook(name: str) -> Path:
    """The notebook of that number, name, beginning of a name, or path.

    Raises:
        LFSError: there is none, or there are several.
    """
    if name.endswith(".ipynb"):
        if Path(name).is_file():
            return Path(name)
        raise LFSError(f"There is no notebook {name}.")
    known = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    if not known:
        raise LFSError(
            f"The notebooks are not in {NOTEBOOKS}: they come with the project's sources, not with "
            "the package. Give the path of one."
        )
    of_that_number = [path for path in known if path.stem.split("_")[0] == name]
    matches = of_that_number or [path for path in known if path.stem.startswith(name)]
    if len(matches) != 1:
        names = "\n".join(f"  {path.stem}" for path in known)
        raise LFSError(f"{name!r} names {len(matches) or 'no'} notebooks, of these:\n{names}")
    return matches[0]


@dataclass(frozen=True)
class Parameter:
    """A parameter as a notebook's `parameters` cell has it.

    Attributes:
        default: its value there.
        comment: what follows it there.
    """

    default: object
    comment: str


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """The parameters that a notebook takes, by name.

    Raises:
        LFSError: it cannot be read, or takes a parameter that is not known or has no literal
            default.
    """
    with needs("book", "Running a notebook"):
        import papermill

    try:
        found = papermill.inspect_notebook(notebook)
        taken = {
            name: Parameter(ast.literal_eval(one["default"]), one["help"])
            for name, one in found.items()
        }
    except (OSError, ValueError, SyntaxError, nbformat.ValidationError) as error:
        raise LFSError(f"{notebook} is no notebook with a parameters cell ({error}).") from error
    check_parameters(**{name: parameter.default for name, parameter in taken.items()})
    return taken


def parse_values(notebook: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Parameters as a command line gives them, `name=value`, checked for one notebook.

    Raises:
        LFSError: one is no such text, is given twice, is not taken by the notebook, has the wrong
            type or is out of range.
    """
    given: dict[str, str] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not is_pair:
            raise LFSError(f"{text!r} gives no parameter a value: write name=value.")
        if name in given:
            raise LFSError(f"{name} is given twice.")
        given[name] = value
    check_names(notebook, given)
    return parse_parameters(given)


def check_names(notebook: Path, names: Sequence[str] | Mapping[str, Any]) -> None:
    """Raise an LFSError that lists what the notebook takes unless it takes all these."""
    taken = parameters_of(notebook)
    if unknown := [name for name in names if name not in taken]:
        lines = [
            f"  {name}={parameter.default}  ({allowed(name)}): {parameter.comment}"
            for name, parameter in taken.items()
        ]
        raise LFSError(
            f"{notebook.stem} takes no {', '.join(unknown)}. It takes, with these defaults:\n"
            + "\n".join(lines)
        )


def parameters_markdown(notebooks: Sequence[Path]) -> str:
    """A table of all that notebooks take, in Markdown."""
    lines = []
    for notebook in notebooks:
        lines += [
            f"**{{doc}}`/notebooks/{notebook.stem}`**",
            "",
            "| parameter | default | what it can be | what it is |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{name}` | `{parameter.default}` | {allowed(name)} | {parameter.comment} |"
            for name, parameter in parameters_of(notebook).items()
        ]
        lines.append("")
    return "\n".join(lines)


def short_name(values: Mapping[str, Any]) -> str:
    """The name of the folder of a run with these parameters."""
    name = ",".join(f"{key}={value}" for key, value in values.items()) or "defaults"
    short = file_name(name)
    if short == name:
        return name
    return f"{short}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"  # two folders of one name


@dataclass(frozen=True)
class Task:
    """A run, as it travels to the process that does it.

    Attributes:
        notebook: its name.
        source: the notebook itself, JSON.
        values: the parameters given.
        folder: where it runs, unless the process is on a machine that has no such folder.
    """

    notebook: str
    source: str
    values: dict[str, Any]
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        executed: the executed notebook, JSON; up to the cell that failed; None if there is none.
        failed: why it failed; None if it did not.
        seconds: how long it took.
        versions: of the packages it was run with.
    """

    executed: str | None
    failed: str | None
    seconds: float
    versions: dict[str, str]


def task(notebook: Path, values: dict[str, Any]) -> Task:
    """The task of running a notebook with these parameters in the current folder."""
    return Task(notebook.stem, notebook.read_text(encoding="utf-8"), values, Path.cwd())


def work(task: Task, progress: bool = False) -> Outcome:
    """Do a task, in a kernel of its own."""
    folder = task.folder if task.folder.is_dir() else Path.cwd()
    start, failed = time.monotonic(), None
    with tempfile.TemporaryDirectory() as scratch:
        source, executed = Path(scratch) / "source.ipynb", Path(scratch) / f"{task.notebook}.ipynb"
        source.write_text(task.source, encoding="utf-8")
        try:
            execute(source, executed, folder, task.values, progress)
        except LFSError as error:
            failed = str(error)
        text = executed.read_text(encoding="utf-8") if executed.is_file() else None
    return Outcome(text, failed, round(time.monotonic() - start, 1), versions())


def execute(
    notebook: Path,
    executed: Path,
    folder: Path,
    values: Mapping[str, Any],
    progress: bool = True,
) -> None:
    """Run every cell of a notebook with papermill.

    Args:
        notebook: the file.
        executed: the file to write, cell by cell.
        folder: where it runs.
        values: parameters other than their defaults.
        progress: show a progress bar.

    Raises:
        LFSError: a cell failed, was not executed, or the kernel died.
    """
    with needs("book", "Running a notebook"):
        import papermill

        from lfs_core.book.kernel import Kernel

    for name in ("papermill", "asyncio"):  # the error says it all; a cell that is cut off, nothing
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for left in reversed(range(STARTS)):
        try:
            papermill.execute_notebook(
                notebook,
                executed,
                dict(values),
                kernel_name="python3",
                language="python",
                kernel_manager_class=Kernel,
                start_timeout=START,
                progress_bar=progress,
                # Not `cwd`, for which papermill changes the folder of this whole process.
                resources={"metadata": {"path": str(folder)}},
            )
            break
        except papermill.PapermillExecutionError as error:
            raise LFSError(
                f"{executed.name} failed in cell [{error.exec_count}]: "
                f"{error.ename}: {error.evalue}."
            ) from error
        except RuntimeError as error:  # of the kernel: it died, or did not start
            if left and UNANSWERED in str(error):
                continue
            raise LFSError(
                f"The kernel of {executed.name} ended before the notebook did ({error}); "
                "something killed it, or memory ran out."
            ) from error
    check_executed(executed)


def check_executed(notebook: Path) -> None:
    """Raise an LFSError unless every code cell was executed without an error."""
    for number, cell in enumerate(nbformat.read(notebook, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None and cell.source.strip():
            raise LFSError(f"Cell {number} of {notebook.name} was not executed.")
        if any(output.output_type == "error" for output in cell.outputs):
            raise LFSError(f"Cell {number} of {notebook.name} holds an error.")


def code_of_notebook(notebook: Path) -> Code:
    """What a notebook runs: its cells, what they import, and what runs them."""
    cells = [cell.source for cell in _code_cells(notebook)]
    code = code_of_cells(cells)
    for runs_it in ("kernel", "arrays", "outputs"):
        code |= code_of(f"lfs_core.book.{runs_it}")
    return code


def cache_key(notebook: Path, values: Mapping[str, Any], code: Code) -> str:
    """The key of an executed notebook; prose and stored outputs are no part of it."""
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in _code_cells(notebook)]
    return key(
        code=[code],
        values=values,
        tags=[cell.metadata.get("tags", []) for cell in _code_cells(notebook)],
        figures=[figure.get("name") for figure in figures],
        demo=[TIER, DEMO],
        weights=shipped_weights(),
        beside=files_beside(code),
        results=sorted(RESULTS.glob("*.json")) if STORED in code.modules else [],
        versions=versions(),
    )


def _code_cells(notebook: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(notebook, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def origin(notebook: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a run with these parameters is made from, for its manifest."""
    taken = {name: parameter.default for name, parameter in parameters_of(notebook).items()}
    taken |= values
    # The toy example needs neither photographs nor a network.
    source = next((name for name in DEMO if name in taken), None)
    data, network = DEMO[source] if source is not None else ("none", "none")
    tier = "none" if source is None else TIER
    if source is not None and taken[source] != "demo":
        data, tier = str(taken[source]), "local"
    code = code_of_notebook(notebook)
    return {
        "notebook": notebook.stem,
        "key": cache_key(notebook, values, code),
        "tier": tier,
        "data": data,
        "network": taken.get("network", network),
        "seed": taken.get("seed", "none"),
        "parameters": taken,
        "commit": commit(notebook.parent),
        "code": made_by({notebook.stem: code}),
    }


def run_notebook(
    notebook: Path, values: dict[str, Any], folder: Path, progress: bool = True
) -> None:
    """Run a notebook and write all that comes of it.

    Args:
        notebook: the file.
        values: parameters other than their defaults.
        folder: to write; an earlier run in it is replaced.
        progress: show a progress bar.

    Raises:
        LFSError: a value cannot be used, the folder holds other things, or the notebook failed.
    """
    check_names(notebook, values)
    check_parameters(**values)
    check_folder(folder)
    check_outputs([folder], [notebook, *(of for of in values.values() if isinstance(of, str))])
    check_outputs([failed_file(folder)], [notebook])
    made_from = origin(notebook, values)
    outcome = work(task(notebook, values), progress)
    if outcome.failed:
        keep_failed(folder, outcome)
        where = f" Its cells up to there: {failed_file(folder)}." if outcome.executed else ""
        raise LFSError(outcome.failed + where)
    save_somewhere(partial(write_run, made_from=made_from, outcome=outcome), folder)


def is_done(folder: Path, made_from: Mapping[str, Any]) -> bool:
    """Whether a folder holds a run that was made from the same, and its numbers are whole."""
    manifest = read_manifest(folder) or {}
    if manifest.get("key") != made_from["key"] or "checksum" not in manifest:
        return False
    for name in (NUMBERS, ARRAYS):
        if name in manifest["files"]:
            path = folder / name
            if not path.is_file() or _digest(path.read_bytes()) != manifest["files"][name]:
                log.warning("%s is damaged; it is made again.", path)
                return False
    return True


def check_folder(folder: Path) -> None:
    """Raise an LFSError if replacing a folder would lose what no run has written."""
    if not folder.exists():
        return
    manifest = read_manifest(folder)
    ours = {*manifest.get("files", ()), "manifest.json"} if manifest else set()
    if not folder.is_dir() or {path.name for path in folder.iterdir()} - ours:
        raise LFSError(f"{folder} holds other things than a run; name another folder.")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """A run's manifest, or None where there is no run.

    Raises:
        LFSError: it is damaged, or something else.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        whole = "checksum" not in manifest or manifest == _sealed(manifest)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LFSError(f"{path} is no manifest of a run ({error}).") from error
    if not whole:
        raise LFSError(f"{path} is damaged; delete {folder}, and run again.")
    return manifest


def _sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with the checksum of all else in it."""
    rest = {name: of for name, of in manifest.items() if name != "checksum"}
    return rest | {"checksum": _digest(json.dumps(rest, sort_keys=True).encode())}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def keep_failed(folder: Path, outcome: Outcome) -> None:
    """Keep the cells of a run that failed, up to the failure, next to its folder."""
    if outcome.executed is not None:
        with replacing(failed_file(folder)) as new:
            new.write_text(outcome.executed, encoding="utf-8")


def failed_file(folder: Path) -> Path:
    """Where the notebook of a run that failed is kept."""
    return folder.with_name(f"{folder.name}.failed.ipynb")


def renew_prose(folder: Path, notebook: Path) -> None:
    """Bring the texts of a run up to date with its notebook, whose code says the same.

    Raises:
        LFSError: the folder cannot be written.
    """
    kept, source = (nbformat.read(of, as_version=4) for of in (folder / notebook.name, notebook))
    manifest = read_manifest(folder)
    code, ran = ([cell for cell in of.cells if cell.cell_type == "code"] for of in (source, kept))
    same = [_told(cell) for cell in source.cells] == [*map(_told, kept.cells)]
    if manifest is None or same or len(ran) != len(code):  # a copy without a cell shows as that
        return
    for cell, before in zip(code, ran, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    source.metadata = kept.metadata
    _write(folder, manifest, nbformat.writes(source))


def _told(cell: nbformat.NotebookNode) -> tuple[Any, ...]:
    """What a notebook says in a cell, without what its run has added."""
    added = ("papermill", "execution", "tags")
    metadata = {name: of for name, of in cell.metadata.items() if name not in added}
    return cell.cell_type, cell.source, metadata, cell.metadata.get("tags", [])


def write_run(folder: Path, made_from: Mapping[str, Any], outcome: Outcome) -> None:
    """Write a run's folder, in place of an earlier one.

    Raises:
        LFSError: it cannot be written.
    """
    manifest = dict(made_from) | {
        "versions": outcome.versions,
        "seconds": outcome.seconds,
        "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    _write(folder, manifest, cast("str", outcome.executed))  # it did not fail


def _write(folder: Path, manifest: dict[str, Any], text: str) -> None:
    """Write a run's folder from its manifest and its executed notebook, in JSON."""
    from lfs_core.book.arrays import kept, npz
    from lfs_core.book.outputs import figures, numbers

    executed = nbformat.reads(text, as_version=4)
    files = figures(executed) | {
        f"{manifest['notebook']}.ipynb": text.encode(),
        NUMBERS: (json.dumps(numbers(executed), indent=1) + "\n").encode(),
    }
    if arrays := kept(executed):
        files[ARRAYS] = npz(arrays)
    contents = {name: _digest(content) for name, content in sorted(files.items())}
    manifest = _sealed(manifest | {"files": contents})
    files["manifest.json"] = (json.dumps(manifest, indent=2) + "\n").encode()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            for name, content in files.items():
                (new / name).write_bytes(content)
            with FileLock(folder.parent / ".lock"):
                check_folder(folder)
                old = Path(scratch) / "old"
                if folder.exists():
                    os.replace(folder, old)
                try:
                    os.replace(new, folder)
                except OSError:  # as on Windows, where somebody has one of its files open
                    if old.exists():
                        os.replace(old, folder)
                    raise
        failed_file(folder).unlink(missing_ok=True)
    except OSError as error:
        raise LFSError(f"Cannot write {folder} ({reason(error)}).") from error
