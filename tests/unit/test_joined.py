"""JavaScript modules joined into one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lfs_core.errors import LFSError
from lfs_core.viz.joined import joined
from lfs_core.viz.rendering import WEB, code, script

VIEWS = ["explorer", "flipbook", "matches", "methods", "pair_explorer", "try_it"]


def write(folder: Path, **modules: str) -> Path:
    """Modules in a folder; "/" in a path is written "__"."""
    for name, text in modules.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_modules_come_once_each_after_what_they_import(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        view__main='import { one } from "./one.js";\nimport {\n  two,\n} from "../two.js";\n'
        "two(one);\nexport default { two };\n",
        view__one='import { two } from "../two.js";\nexport const one = two(1);\n',
        two='/** @import { A } from "./a.d.ts" */\nexport function two(x) {\n  return x;\n}\n',
    )
    assert joined(folder, "view/main.js").split("\n\n") == [
        "// two.js",
        "function two(x) {\n  return x;\n}",
        "// view/one.js",
        "const one = two(1);",
        "// view/main.js",
        "two(one);\nexport default { two };\n",
    ]


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        (
            {
                "main": 'import { a } from "./a.js";\n',
                "a": 'import { b } from "./b.js";\nexport const a = b;\n',
                "b": 'import { a } from "./a.js";\nexport const b = a;\n',
            },
            r"import each other: main\.js -> a\.js -> b\.js -> a\.js",
        ),
        (
            {
                "main": 'import { a } from "./a.js";\nfunction help() {}\n',
                "a": "const help = 1;\nexport const a = help;\n",
            },
            r"a\.js and main\.js both define help",
        ),
        ({"main": 'import * as all from "./a.js";\n'}, r"main\.js cannot be joined.*import \*"),
        ({"main": 'import "./a.js";\n'}, r"main\.js cannot be joined"),
        ({"main": "const a = 1;\nexport { a };\n"}, r"main\.js cannot be joined.*export \{"),
        ({"main": "export const { a } = f();\n"}, r"main\.js cannot be joined.*const \{"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    modules: dict[str, str], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(LFSError, match=problem):
        joined(write(tmp_path, **modules), "main.js")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_one_module(view: str) -> None:
    """With every module of its folder, and nothing left to be imported."""
    text = code(view)
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default { render };"]
    parts = re.findall(r"^// (\w+/\w+\.js)$", text, re.MULTILINE)
    assert parts[-1] == f"{view}/main.js" and len(set(parts)) == len(parts)
    own = {f"{view}/{path.name}" for path in (WEB / view).iterdir() if path.name.endswith(".js")}
    assert own <= set(parts)


def test_every_view_and_every_module_is_used() -> None:
    folders = {path.name for path in WEB.iterdir() if path.is_dir()}
    assert folders == {"common", "worker", *VIEWS}
    used = set().union(
        *(re.findall(r"^// common/(\w+\.js)$", script(v), re.MULTILINE) for v in VIEWS)
    )
    assert used == {path.name for path in (WEB / "common").iterdir() if path.name.endswith(".js")}
