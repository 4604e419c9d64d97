"""Debian's Firefox, driven by the protocol that it has built in (Marionette)."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

START = 120  # seconds that it may take to start, on a busy machine


def find_firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._count = connection, 0
        self._read()  # its greeting
        self.do("WebDriver:NewSession")

    def do(self, command: str, **parameters: object) -> Any:  # noqa: ANN401
        """What a command answers."""
        self._count += 1
        text = json.dumps([0, self._count, command, parameters])
        self._connection.sendall(f"{len(text.encode())}:{text}".encode())
        _, _, error, answer = self._read()
        assert error is None, error
        return answer

    def evaluate(self, script: str, *arguments: object) -> Any:  # noqa: ANN401
        """What a script's `resolve` is given, within two minutes."""
        code = f"const resolve = arguments[arguments.length - 1]; {script}"
        given = {"script": code, "args": list(arguments), "scriptTimeout": 120_000}
        return self.do("WebDriver:ExecuteAsyncScript", **given)["value"]

    def _read(self) -> Any:  # noqa: ANN401
        length = b""
        while (one := self._connection.recv(1)) != b":":
            assert one, "Firefox has gone"
            length += one
        text = b""
        while len(text) < int(length):
            text += self._connection.recv(int(length) - len(text))
        return json.loads(text)


@contextmanager
def opened_firefox(path: str) -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own, which asks nobody for anything."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as profile:
        settings = {
            "marionette.port": port,
            "network.proxy.type": 1,  # nothing but files can be reached
            "network.proxy.socks": "127.0.0.1",
            "network.proxy.socks_port": 9,
            "app.update.enabled": False,
        }
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [path, "--headless", "--marionette", "--profile", profile]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connected(port) as connection:
                yield Firefox(connection)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def connected(port: int) -> socket.socket:
    """A connection, as soon as there is one."""
    end = time.monotonic() + START
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < end, "Firefox does not start"
            time.sleep(0.3)
