"""Downloads the official test suite, at the commit on which this project is tested."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

URL = "https://github.com/WebAssembly/testsuite"
COMMIT = "193e551ff22663995b1ac95dc62344133669e14b"


class FetchError(Exception):
    """Raised when the suite cannot be downloaded; the message is one line with the reason."""


def fetch(folder: Path, url: str = URL, commit: str = COMMIT) -> None:
    """Download one commit of a repository into a new or empty folder.

    Raises ``FetchError``; the folder is then unchanged.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise FetchError(f"{folder} is not empty: name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".suite-") as scratch:
            checkout = Path(scratch) / "checkout"
            checkout.mkdir()
            _git(checkout, "init", "--quiet")
            _git(checkout, "fetch", "--quiet", "--depth", "1", "--", url, commit)
            _git(checkout, "-c", "core.autocrlf=false", "checkout", "--quiet", "--detach", "FETCH_HEAD")
            brought = _git(checkout, "rev-parse", "HEAD")
            if brought != commit:
                raise FetchError(f"{url} gave commit {brought}, expected {commit}")
            if folder.exists():
                folder.rmdir()
            checkout.rename(folder)
    except OSError as error:
        raise FetchError(f"cannot write {folder}: {error.strerror}") from error


def identity_of(scripts: Sequence[Path]) -> str:
    """Identify scripts by their git commit, or by a digest if no commit contains all of them unchanged.

    The digest is the SHA-256 of the output of ``sha256sum`` for the scripts, by their paths in their common folder.
    """
    try:
        commit = _git(scripts[0].parent, "rev-parse", "HEAD")
        names = [str(script.resolve()) for script in scripts]
        _git(scripts[0].parent, "ls-files", "--error-unmatch", "--", *names)
        _git(scripts[0].parent, "diff", "--quiet", "HEAD", "--", *names)
    except (FetchError, OSError):
        return f"SHA-256 of {len(scripts)} scripts: {_digest(scripts)}"
    return f"commit {commit}"


def _digest(scripts: Sequence[Path]) -> str:
    shared = os.path.commonpath([script.parent.resolve() for script in scripts])
    named = {os.path.relpath(script.resolve(), shared): script for script in scripts}
    lines = (f"{sha256(named[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(named))
    return sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _git(folder: Path, *arguments: str) -> str:
    # Without the caller's GIT_DIR and similar variables, which a hook sets, and without password prompts.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_TERMINAL_PROMPT"] = "0"
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )
    except FileNotFoundError:
        raise FetchError("git is needed to download the suite, but is not installed or not on the PATH") from None
    if done.returncode != 0:
        raise FetchError(
            f"git {arguments[0]} failed: {' '.join(done.stderr.split()) or f'exit code {done.returncode}'}"
        )
    return done.stdout.strip()
