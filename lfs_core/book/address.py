"""Where the book's sources and its pages are to be found; nowhere, if nothing says so.

The address of the sources is read from the environment or from the package's metadata, that of the
pages from the environment. None is ever guessed.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import yaml

SOURCES, PAGES = "LFS_REPOSITORY", "LFS_BOOK_URL"
NAMES = ("repository", "source", "source code")  # of addresses in a package's metadata


def repository() -> str | None:
    """The address of the repository, if it is known: https://host/owner/name.

    `LFS_REPOSITORY` names it; else GitHub's own variables do, or the package's metadata.
    """
    if given := os.environ.get(SOURCES):
        return given.rstrip("/")
    host, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if host and name:
        return f"{host}/{name}"
    try:
        urls = metadata("lfs-core").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    known = {label.lower(): url for label, url in (entry.split(", ", 1) for entry in urls)}
    return next((known[name].rstrip("/") for name in NAMES if name in known), None)


def pages() -> str | None:
    """The address at which the pages are published, if `LFS_BOOK_URL` names it; ends with /."""
    given = os.environ.get(PAGES)
    return given.rstrip("/") + "/" if given else None


def write_configuration(root: Path, source: Path) -> None:
    """Copy the book's configuration, with links to the repository if it is known.

    Args:
        root: the project's folder.
        source: what Jupyter Book reads.
    """
    config: dict[str, Any] = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    if address := repository():
        config["repository"] = {
            "url": address,
            "branch": os.environ.get("GITHUB_REF_NAME", "main"),
        }
        config["html"]["use_repository_button"] = True
    else:
        config["launch_buttons"] = {key: "" for key in config["launch_buttons"]}
    if address := pages():
        config["html"]["baseurl"] = address
    (source / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def install_markdown() -> str:
    """How to get the sources and install them, in Markdown."""
    address = repository()
    first = f"git clone {address}\ncd {address.rpartition('/')[2]}\n" if address else ""
    where = "" if address else "From the folder that holds the sources:\n\n"
    return (
        f"{where}```\n{first}python -m venv .venv\nsource .venv/bin/activate\n"
        "pip install --constraint constraints.txt .\n```\n\n"
        "On Windows the second line is `.venv\\Scripts\\activate`. `constraints.txt` names the "
        "versions with which everything was tested. `make book` installs all that these pages need "
        "by itself, and conda users have `environment.yml`.\n"
    )
