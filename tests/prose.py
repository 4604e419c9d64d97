"""The sentences of the project: where they stand, how long they are, which words they avoid."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 35  # words

# What not to write, as a regular expression, and what to write instead.
AVOIDED = {
    r"surely": "significantly, certainly",
    r"dear(er|est|ly)?": "expensive, costly",
    r"beside": "next to, compared with, in addition to",
    r"nobody (who|whom|whose|else)": "no person who",
    r"h[au]ngs? (up)?on": "depends on",
    r"to be had": "available",
    r"who(so)?ever": "anyone who, or name who it is",
    r"(?<!as )soon": "quickly, or say after what",
    r"(is|was|are|were) (known|said|told|kept|made|asked|true|read) of": "what we know about ...",
    r"makes? of (it|them|this|noise|the|an?)": "returns for, computes from",
    r"read(s|ing)? off": "reads from, computes from",
    r"one's own": "your own",
    r"without a word": "silently, without a warning",
    r"told (so|as such)": "gets a message",
    r"anew": "again",
    r"at hand": "available, here",
    r"so many": "this many, or the number",
    r"speaks? (for|against|together)": "is evidence for, supports",
    r"knows? (nothing|no) (of|more)": "ignores, does not use",
    r"in the place of": "instead of",
    r"lies? (beside|by)": "is next to",
    r"otherwise (lit|than|to)": "differently",
    r"lit otherwise": "with other lighting",
    r"(naught|nought|whence|thence|wherein|whereof|thereof|therein|hereof|hence)": "usual words",
    r"(upon|amongst|whilst|lest|ought|shall|nigh|ere|betwixt|albeit)": "usual words",
    r"(stand|stands|stood) the tests?": "passes the test",
    r"what one (would|can|may)": "what you",
}

MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|``[^`]+``|`[^`]+`|\{\{.*?\}\}", re.DOTALL)
ABBREVIATED = re.compile(r"(\b(et al|Eqs?|Figs?|Secs?|vs|cf|no)|\b[a-z]\.[a-z]|\b[A-WYZ])\.$")
# Blocks of code and directives, but for those that hold text.
FENCE = re.compile(
    r"^(`{3,}|:{3,})(?!\{(admonition|note|warning|tip|dropdown|solution|exercise|glossary))"
    r".*?^\1[`:]*$",
    re.DOTALL | re.MULTILINE,
)
CODE = re.compile(r"=>|</|^(import|from) \w|^def \w|^\s*--?\w|%[sd]", re.MULTILINE)  # no sentences
COMMENT = re.compile(r"(|\s+|.*\s\s)#:? (?!type:|noqa)(.*)$")
WORD = re.compile(r"[^\W_][\w'./-]*")
# Comments of JavaScript, one after the other, and its texts, of which `+` makes one.
TEXT = r""""(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`"""
SCRIPT = re.compile(
    r"(?P<lines>(?:[ \t]*//[^\n]*\n)+)|/\*(?P<block>.*?)\*/|"
    rf"(?P<text>(?:{TEXT})(?:\s*\+\s*(?:{TEXT}))*)",
    re.DOTALL,
)
# What stands in them that is no sentence: names and types of arguments, values, and escapes.
TYPED = re.compile(r"@\w+ +\{.*?\}(?=\s|$)( \[?\w+\]?)?|@\w+|\$\{[^}]*\}|\\u\w{4}", re.DOTALL)


@dataclass(frozen=True)
class Sentence:
    """A sentence, and where it stands."""

    place: str
    text: str

    @property
    def words(self) -> int:
        """How many words it has; a formula, a number or a piece of code counts as one."""
        return len(WORD.findall(self.text))

    def avoided(self) -> list[str]:
        """What it should not say, each with what to write instead."""
        instead = list(AVOIDED.values())
        return [
            f"{found[0]!r} (write: {instead[found.lastindex - 1]})"
            for found in PLAIN.finditer(self.text)
            if found.lastindex
        ]


# One group for each entry of AVOIDED, so that a match tells which it is.
PLAIN = re.compile(
    "|".join(rf"(\b{re.sub(r'[(](?![?])', '(?:', words)}\b)" for words in AVOIDED), re.IGNORECASE
)


def split(text: str) -> Iterator[str]:
    """The sentences of some paragraphs, which empty lines part."""
    for paragraph in re.split(r"\n\s*\n", text):
        sentence = ""
        for part in re.split(r"(?<=[.!?])(?=[)\"”*_]*\s)", " ".join(paragraph.split())):
            sentence += part
            if not ABBREVIATED.search(part):
                yield sentence.strip()
                sentence = ""
        yield sentence.strip()


def plain(markdown: str) -> str:
    """Markdown without code, formulas, links and tables' lines; each item is a paragraph."""
    text = re.sub(r"<!--.*?-->|^---\n.*?\n---$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    text = FENCE.sub("\n\n", text)
    text = re.sub(r"^(`{3,}|:{3,}).*$|^:[\w-]+:.*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"\{(cite|bibliography)[^}]*\}`[^`]*`", "", text)
    text = re.sub(r"\{(?!glue|math|eq)[\w:-]+\}`([^`<]*?)(\s*<[^>]*>)?`", r"\1", text)
    text = MATH.sub("X", re.sub(r"\{(glue|math|eq)[\w:-]*\}`", "`", text))
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"^\s*\|[\s:|-]+\|\s*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*\|.*\|\s*$", lambda row: row[0].replace("|", "\n\n"), text, flags=re.M)
    return re.sub(r"^\s*(#+|[-*+]|\d+\.|:) (.*)$", r"\n\n\2", text, flags=re.MULTILINE)


def of_docstring(text: str) -> str:
    """A docstring whose arguments and sections are paragraphs."""
    return re.sub(
        r"^\s*([A-Z]\w+:\s*$|\*{0,2}\w+: |- )", r"\n\n\1", MATH.sub("X", text), flags=re.M
    )


def of_python(source: str, strings: bool = True) -> Iterator[tuple[int, str]]:
    """Docstrings, comments and, with `strings`, other texts, each with its line."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings: set[ast.AST] = set()
    parts: set[ast.AST] = set()  # of texts with values in them
    texts: list[ast.Constant] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node):
            docstrings.add(node.body[0].value)
        elif isinstance(node, ast.JoinedStr):
            values = [v.value if isinstance(v, ast.Constant) else "X" for v in node.values]
            parts.update(ast.walk(node))
            text = "".join(map(str, values))
            if strings and not CODE.search(text):
                yield node.lineno, MATH.sub("X", text)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node)
    for node in texts:
        if node in docstrings:
            yield node.lineno, of_docstring(node.value)
        elif strings and not (
            node in parts or len(node.value.split()) < 4 or CODE.search(node.value)
        ):
            yield node.lineno, MATH.sub("X", node.value)
    block: list[str] = []
    for number, line in enumerate(source.splitlines(), 1):
        comment = COMMENT.match(line)
        if block and not (comment and not comment[1].strip()):
            yield number - 1, MATH.sub("X", "\n".join(block))
            block = []
        if comment:
            block.append(comment[2])
            if comment[1].strip():
                yield number, MATH.sub("X", block.pop())
    yield 0, MATH.sub("X", "\n".join(block))


def of_javascript(source: str) -> Iterator[tuple[int, str]]:
    """Comments and texts of several words, each with its line."""
    for found in SCRIPT.finditer(source):
        text = re.sub(r"^[ \t]*(//|\*) ?", "", found[found.lastgroup or 0], flags=re.MULTILINE)
        if found["text"]:
            text = re.sub(r"[\"`]\s*\+\s*[\"`]", "", text).strip('"`')
        else:
            text = re.sub(r"(?=@(?:param|returns)\b)", "\n\n", text)
        if (found["block"] or len(text.split()) > 3) and not CODE.search(text):
            yield source.count("\n", 0, found.start()) + 1, MATH.sub("X", TYPED.sub("", text))


def of_notebook(path: Path) -> Iterator[tuple[str, str]]:
    """Text, captions, descriptions of pictures, and texts in code, each with its cell."""
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield f"cell {number}", plain(source)
            continue
        about = cell["metadata"].get("mystnb", {})
        yield f"caption of cell {number}", plain(about.get("figure", {}).get("caption", ""))
        yield f"alt text of cell {number}", plain(about.get("image", {}).get("alt", ""))
        for _, text in of_python(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE)):
            yield f"code of cell {number}", text


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the project, with its place."""
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "book").glob("*.md")]):
        yield path.relative_to(ROOT).as_posix(), plain(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for place, text in of_notebook(path):
            yield f"notebooks/{path.name}, {place}", text
    for folder in ("lfs_core", "benchmarks", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path != Path(__file__) and "node_modules" not in path.parts:
                source = path.read_text(encoding="utf-8")
                for line, text in of_python(source, strings=folder != "tests"):
                    yield f"{path.relative_to(ROOT).as_posix()}:{line}", text
    for path in sorted((ROOT / "lfs_core").rglob("*.js")):
        for line, text in of_javascript(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT).as_posix()}:{line}", text


def sentences() -> list[Sentence]:
    """Every sentence of the project."""
    return [Sentence(place, text) for place, whole in texts() for text in split(whole) if text]
