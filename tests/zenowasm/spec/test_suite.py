"""``zenowasm spec fetch`` against a repository of our own, since tests use no network."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from zenowasm.cli.main import main
from zenowasm.spec.suite import FetchError, fetch, identity_of


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for number in (1, 2):
        (folder / "a.wast").write_bytes(b"(module) ;; %d\r\n" % number)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", str(number))
    return folder


@pytest.fixture
def pinned(repository):
    """A commit that is not the newest."""
    return git(repository, "rev-parse", "HEAD~")


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as end:
        main(["spec", *map(str, arguments)])
    return end.value.code


def listed(folder: Path, names: str) -> str:
    """Return the digest that coreutils make of scripts."""
    command = f"LC_ALL=C; export LC_ALL; sha256sum {names} | sha256sum"
    done = subprocess.run(["sh", "-c", command], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.split()[0]


def test_scripts_of_a_checkout_are_known_by_their_commit(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert identity_of([repository / "a.wast"]) == f"commit {head}"
    (repository / "b.wast").write_text("(module)")  # not in the commit, and not in the run
    assert identity_of([repository / "a.wast"]) == f"commit {head}"


@pytest.mark.parametrize("change", ["changed", "not added", "not committed", "ignored"])
def test_scripts_that_no_commit_has_are_known_by_their_digest(repository, change):
    path = repository / ("a.wast" if change == "changed" else "sub.wast")
    path.write_text("(module (func))")
    if change == "not committed":
        git(repository, "add", ".")
    if change == "ignored":
        (repository / ".gitignore").write_text("sub.wast")
    scripts = sorted(repository.glob("*.wast"))
    assert identity_of(scripts) == f"SHA-256 of {len(scripts)} scripts: {listed(repository, '*.wast')}"


def test_scripts_outside_of_a_checkout_are_known_by_their_digest(tmp_path, monkeypatch):
    for name in ("b.wast", "a/a.wast", "a-b.wast"):
        path = tmp_path / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"(module) ;; {name}")
    digest = listed(tmp_path / "suite", "a-b.wast a/a.wast b.wast")
    scripts = [tmp_path / "suite" / name for name in ("b.wast", "a-b.wast", "a/a.wast")]
    assert identity_of(scripts) == f"SHA-256 of 3 scripts: {digest}"
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert identity_of(scripts) == f"SHA-256 of 3 scripts: {digest}"


def test_brings_the_commit_and_says_how_to_use_it(repository, pinned, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", "nowhere")
    assert run("fetch", "--url", repository, "--commit", pinned) == 0
    folder = tmp_path / "spec-testsuite"
    assert (folder / "a.wast").read_bytes() == b"(module) ;; 1\r\n"
    assert f"ZENOWASM_SPEC_TESTSUITE={folder}" in capsys.readouterr().out
    assert run(folder, "--jobs", 1) == 0


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(repository, pinned, tmp_path):
    folder = tmp_path / "deep" / "suite"
    folder.mkdir(parents=True)
    fetch(folder, str(repository), pinned)
    (folder / "a.wast").write_text("mine")
    with pytest.raises(FetchError, match="suite is not empty: name a new folder"):
        fetch(folder, str(repository), pinned)
    assert (folder / "a.wast").read_text() == "mine"
    assert os.listdir(folder.parent) == ["suite"]


@pytest.mark.parametrize(
    ("url", "commit", "words"),
    [
        ("nowhere", "0" * 40, "error: git fetch failed: "),
        ("--upload-pack=touch broken;", "0" * 40, "error: git fetch failed: "),
        ("repository", "0" * 40, "error: git fetch failed: "),
        ("repository", "main", "expected main"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(repository, tmp_path, capsys, url, commit, words):
    url = repository if url == "repository" else url
    assert run("fetch", tmp_path / "suite", "--url", url, "--commit", commit) == 1
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert os.listdir(tmp_path) == ["repository"]


def test_git_may_be_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("fetch", tmp_path / "suite") == 1
    assert "not installed" in capsys.readouterr().err


def test_a_folder_named_fetch_is_a_path(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fetch").mkdir()
    (tmp_path / "fetch" / "a.wast").write_text("(module)")
    assert run("fetch", "--jobs", 1) == 0
    assert "total" in capsys.readouterr().out


def test_help_names_it(capsys):
    assert run("--help") == 0
    assert "zenowasm spec fetch" in capsys.readouterr().out
    assert run("fetch", "--help") == 0
    assert "zenowasm spec fetch [OPTIONS] [DIR]" in capsys.readouterr().out
