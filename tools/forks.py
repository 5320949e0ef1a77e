"""Git operations of `make update`: a fork's base, renamed trees, and their merge.

Everything here works on git objects and a temporary index. Only `apply` touches the working tree.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rename
from rename import ROOT, TEMPLATE, Refusal

BASE = ".template-base"
NOTE = "# The commit of the template that this fork was last updated to, by `make update`.\n"
ALIKE = 0.5
"""Least share of the fork's first files that a version must contain to count as its base."""
FORK, THEIRS = "update/fork", "update/template"
"""Labels of the two sides in conflict markers."""
WHO = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "update"), ("EMAIL", "update@localhost"))}  # fmt: skip


@dataclass(frozen=True)
class Merge:
    """A merge computed outside the working tree.

    Args:
        tree: the result, with conflict markers.
        conflicted: the index entries of each path in conflict, as `git update-index` reads them.
        messages: git's message for each path.

    """

    tree: str
    conflicted: dict[str, list[str]]
    messages: dict[str, str]

    def reason(self, path: str) -> str:
        """Return why a whole file is in conflict."""
        return self.messages.get(path, "both sides changed it")


def git(
    *words: str,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run git in the checkout and return its output."""
    done = subprocess.run(
        ["git", *words],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=check,
    )
    return done.stdout


def base(new: str) -> str:
    """Return the template version the fork is based on: recorded, shared, or most similar.

    Raises:
        Refusal: no ancestor of `new` is a base of the fork.

    """
    recorded, shared = _recorded(new), git("merge-base", "HEAD", new, check=False).strip()
    if recorded and shared:
        return shared if _leads(recorded, shared) else recorded
    return recorded or shared or _most_alike(new)


def _recorded(new: str) -> str:
    file = ROOT / BASE
    lines = file.read_text("utf-8").split("\n") if file.is_file() else []
    commit = next((line for line in lines if line and not line.startswith("#")), "")
    return commit if commit and _leads(commit, new) else ""


def _leads(older: str, newer: str) -> bool:
    words = ["git", "merge-base", "--is-ancestor", older, newer]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0


def _most_alike(new: str) -> str:
    """Return the version most similar to the fork's first commit; an equal one if it exists."""
    first = git("rev-list", "--max-parents=0", "HEAD").split()[-1]
    tree = git("rev-parse", f"{first}^{{tree}}").strip()
    versions = [line.split() for line in git("log", "--format=%H %T", new).splitlines()]
    if equal := next((commit for commit, its_tree in versions if its_tree == tree), None):
        return equal
    mine = _files(tree)
    found, commit = max((len(mine & _files(tree)), commit) for commit, tree in versions)
    if found < ALIKE * len(mine):
        raise Refusal(
            "No version of this template resembles the fork's first commit, so the base of the "
            f"merge is unknown. Write the commit that the fork was made from into {BASE}, commit "
            "that, and try again."
        )
    return commit


def _files(tree: str) -> set[str]:
    return set(git("ls-tree", "-r", tree).splitlines())


@contextmanager
def _index(tree: str) -> Iterator[dict[str, str]]:
    """Yield the environment of a temporary index that holds a tree."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git("read-tree", tree, env=env)
        yield env


def renamed(commit: str, name: str) -> str:
    """Return the tree of a version after `make rename`."""
    if name == TEMPLATE:
        return git("rev-parse", f"{commit}^{{tree}}").strip()
    with tempfile.TemporaryDirectory() as folder, _index(commit) as env:
        env |= {"GIT_WORK_TREE": folder, "GIT_DIR": _git_dir()}
        git("checkout-index", "--all", "--force", env=env)
        rename.rename(Path(folder), name)
        git("-C", folder, "add", "--all", "--force", ".", env=env)
        return git("write-tree", env=env).strip()


def _git_dir() -> str:
    return git("rev-parse", "--absolute-git-dir").strip()


def taken_out(old: str, new: str) -> dict[str, bool]:
    """Return the paths that the fork removed, and whether the new tree changed each.

    A file that the fork only moved is not removed: git detects the move. A file of the fork's own
    that began as a copy is not a move. A file that the template moved is listed under both paths.
    """
    deleted = _diff("--find-renames=100%", "--diff-filter=D", old, "HEAD")
    changed = {path for entry in _diff("--no-renames", old, new) for path in entry[1:]}
    moved = {e[1]: e[2] for e in _diff("--find-renames", "--diff-filter=R", old, new)}
    out = {}
    for _, path in deleted:
        out[path] = path in changed
        if path in moved:
            out[moved[path]] = True
    return out


def _diff(*words: str) -> list[list[str]]:
    """Return the entries of `git diff-tree`: a status and one or two paths each."""
    parts = iter(git("diff-tree", "-r", "-z", "--name-status", *words).split("\0")[:-1])
    return [[s, next(parts), *([next(parts)] if s[0] in "RC" else [])] for s in parts]


def without(tree: str, paths: Iterable[str]) -> str:
    """Return a tree without some paths."""
    with _index(tree) as env:
        listed = "".join(f"{path}\0" for path in paths)
        git("update-index", "--force-remove", "-z", "--stdin", stdin=listed, env=env)
        return git("write-tree", env=env).strip()


def with_base(tree: str, commit: str) -> str:
    """Return a tree that records `commit` as its base."""
    blob = git("hash-object", "-w", "--stdin", stdin=f"{NOTE}{commit}\n").strip()
    with _index(tree) as env:
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{BASE}", env=env)
        return git("write-tree", env=env).strip()


def merged(old: str, new: str) -> Merge:
    """Merge the template's changes from `old` to `new` into HEAD.

    Raises:
        Refusal: git is too old.

    """
    start = git("commit-tree", "-m", "base", old, env=WHO).strip()
    for ref, tree in ((FORK, "HEAD^{tree}"), (THEIRS, new)):
        side = git("commit-tree", "-m", ref, "-p", start, tree, env=WHO).strip()
        git("update-ref", f"refs/{ref}", side)
    plain = ("-c", "merge.directoryRenames=false", "-c", "merge.conflictStyle=merge")
    done = subprocess.run(
        ["git", *plain, "merge-tree", "--write-tree", "-z", "--messages", FORK, THEIRS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1:
        raise Refusal(f"git could not merge; version 2.38 is required: {done.stderr.strip()}")
    return _read(done.stdout)


def _read(output: str) -> Merge:
    """Parse the output of merge-tree: tree, conflicts and messages, separated by null bytes."""
    tree, *rest = output.split("\0")
    end = rest.index("")
    conflicted: dict[str, list[str]] = {}
    for entry in rest[:end]:
        conflicted.setdefault(entry.partition("\t")[2], []).append(entry)
    messages: dict[str, str] = {}
    parts = iter(rest[end + 1 :])
    for count in parts:
        if count:
            paths = [next(parts) for _ in range(int(count))]
            kind, _ = next(parts), next(parts)
            messages |= {path: kind for path in paths if kind.startswith("CONFLICT")}
    return Merge(tree, conflicted, messages)


def apply(tree: str, merge: Merge) -> None:
    """Check out the merge; unmerged index entries keep conflicts from being committed unnoticed.

    Raises:
        Refusal: a new file would overwrite an ignored one; nothing was changed.

    """
    new = [path for _, path in _diff("--no-renames", "--diff-filter=A", "HEAD", tree)]
    if taken := [path for path in new if (ROOT / path).exists()]:
        raise Refusal(
            f"Nothing was changed: a file of the template would overwrite {', '.join(taken)}, "
            "which git ignores here. Move it away and try again."
        )
    git("read-tree", "-m", "-u", "HEAD", tree)
    unmerged = "".join(
        f"0 {'0' * 40}\t{path}\0" + "".join(f"{entry}\0" for entry in entries)
        for path, entries in merge.conflicted.items()
    )
    git("update-index", "-z", "--index-info", stdin=unmerged)
