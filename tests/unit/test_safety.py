"""Nothing is sent, nothing is run that came with a file, and no file takes a module's place."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from tiny import write_notebook

import lfs_core

CORE = Path(lfs_core.__file__).parent
RUNS_CODE = {  # by the last parts of its name, what runs code that is found in a file
    *("pickle.load", "pickle.loads", "dill.load", "joblib.load", "marshal.loads", "shelve.open"),
    *("yaml.load", "yaml.unsafe_load", "jit.load", "export.load", "hub.load", "eval", "exec"),
    *("read_pickle", "compile", "__import__", "os.system", "os.popen"),
}
MODULES = ("torch", "numpy", "json", "PIL", "ipykernel", "ipykernel_launcher", "socket", "tqdm")


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """All calls in the package, with what is called: "torch.load", "eval"."""
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield path, node, ast.unparse(node.func)


def test_nothing_that_is_read_is_run() -> None:
    for path, call, name in calls():
        where = f"{path.name}:{call.lineno}"
        last = ".".join(name.split(".")[-2:])
        assert name not in RUNS_CODE and last not in RUNS_CODE, where
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name == "torch.load":
            assert given.get("weights_only") == "True", where
        assert given.get("allow_pickle", "False") == "False", where
        assert given.get("shell", "False") == "False", where


def test_nothing_is_sent(tmp_path: Path) -> None:
    """ONNX Runtime writes its device's number as soon as it is ready to send it."""
    script = """
import os, lfs_core.embedders.network, onnx, onnxruntime
from onnx import TensorProto, helper
of = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", of[:1], of[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
print(os.environ["ORT_DISABLE_TELEMETRY"], os.environ["HF_HUB_DISABLE_TELEMETRY"])
"""
    pytest.importorskip("onnxruntime")
    told = {"ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED", "HF_HUB_DISABLE_TELEMETRY", "CI"}
    own = {name: value for name, value in os.environ.items() if name not in told}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=own | home, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1"]
    assert not [path for path in tmp_path.rglob("*") if "icrosoft" in path.name]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose files have names of modules, and leave a mark when they are imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in MODULES:
        mark = str(tmp_path / f"ran-{name}")
        (folder / f"{name}.py").write_text(f"open({mark!r}, 'w').close()\n", encoding="utf-8")
    return folder


def marks(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.glob("ran-*")]


def test_commands_import_nothing_from_the_present_folder(hostile: Path) -> None:
    lfs = shutil.which("lfs", path=sysconfig.get_path("scripts"))  # on Windows, `lfs.exe`
    done = subprocess.run([lfs, "methods"], cwd=hostile, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "explainlfs" in done.stdout and not marks(hostile)


def test_windows_is_told_to_run_no_program_of_the_present_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NoDefaultCurrentDirectoryInExePath", raising=False)
    assert run("--version").returncode == 0
    assert os.environ.pop("NoDefaultCurrentDirectoryInExePath") == "1"


@pytest.mark.slow
def test_workers_and_kernels_import_nothing_from_the_present_folder(
    hostile: Path, tmp_path: Path
) -> None:
    code = "import json, numpy, torch, tqdm, beside; assert beside.here and torch.zeros"
    (hostile / "beside.py").write_text(
        "here = True\n", encoding="utf-8"
    )  # no installed module has this name
    notebook = write_notebook(tmp_path / "06_small.ipynb", "seed: int = 0  # of all", code)
    script = tmp_path / "go.py"
    script.write_text(
        f"""
import psutil
import lfs_core.cli
from lfs_core.evaluation.workers import local_cluster, run

def go():
    with local_cluster(1):  # nothing else reaches it
        all_of_us = [psutil.Process(), *psutil.Process().children(recursive=True)]
        ports = [port for one in all_of_us for port in one.net_connections("inet")]
        listening = {{port.laddr.ip for port in ports if port.status == "LISTEN"}}
        assert listening == {{"127.0.0.1"}}, listening
    assert sorted(n for _, n in run(len, ["a", "bc"], jobs=2)) == [1, 2]
    lfs_core.cli.app_of_commands(["run", {str(notebook)!r}, "-o", {str(tmp_path / "out")!r}])

if __name__ == "__main__":
    lfs_core.cli.app_of_commands, lfs_core.cli.app = lfs_core.cli.app, go
    lfs_core.cli.main()
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script], cwd=hostile, capture_output=True, encoding="utf-8", timeout=600
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert not marks(hostile)
