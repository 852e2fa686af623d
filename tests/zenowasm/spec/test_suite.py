"""``zenowasm spec fetch`` against a repository of our own, since tests use no network."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from zenowasm.cli.main import main
from zenowasm.spec.suite import FetchError, fetch


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
