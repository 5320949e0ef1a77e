"""Update a fork to a later version of the template: only what changed there since its base.

make update FROM=<address or path of the template>            # its newest version
make update FROM=<address or path of the template> REF=v2.0   # a branch, a tag or a commit

A three-way merge of the base, the fork and the new version, after both versions of the template
have been renamed as the fork was. It is computed outside the working tree and checked out when
complete: staged, not committed. Conflicts are marked where both sides changed the same lines.
"""

import subprocess
import sys

import forks
from forks import Merge, git
from rename import ROOT, Refusal, package

MARK = "<<<<<<< "
REF = "refs/update/fetched"
KEEP = 'make check && make test && git commit -m "Update the template"'
UNDO = "git reset --hard"


def check(source: str) -> None:
    """Refuse a missing source, uncommitted changes, or a folder that is not a git checkout.

    Raises:
        Refusal: says why, and what to do.

    """
    if not source or source.startswith("-"):
        raise Refusal("FROM= is missing. Use make update FROM=<address or path of the template>.")
    try:
        changed = git("status", "--porcelain")
    except (subprocess.CalledProcessError, FileNotFoundError):
        raise Refusal(f"{ROOT} is not a git checkout, so nothing could be undone.") from None
    if changed:
        listed = "\n  ".join(changed.splitlines()[:5])
        raise Refusal(
            "The working tree has uncommitted changes. Commit them, or "
            f"git stash --include-untracked:\n  {listed}"
        )


def fetched(source: str, ref: str) -> str:
    """Fetch a version of the template and return its commit.

    Raises:
        Refusal: there is no such repository or version.

    """
    try:
        git("fetch", "--quiet", "--no-tags", "--", source, f"+{ref or 'HEAD'}:{REF}")
    except subprocess.CalledProcessError as error:
        raise Refusal(f"FROM={source} {f'REF={ref} ' if ref else ''}cannot be fetched: "
                      f"{error.stderr.strip()}") from None  # fmt: skip
    return git("rev-parse", f"{REF}^{{commit}}").strip()


def places(merge: Merge) -> list[str]:
    """Return the conflicts: `file:line` for each marker, or the reason for a whole file."""
    found = []
    for path in merge.conflicted:
        text = (ROOT / path).read_text("utf-8", "replace") if (ROOT / path).is_file() else ""
        rows = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith(MARK)]
        found += [f"{path}:{row}" for row in rows] or [f"{path}: {merge.reason(path)}"]
    return found


def news(base: str, new: str) -> str:
    """Return the lines added to the template's changelog."""
    lines = git("diff", "--unified=0", base, new, "--", "CHANGELOG.md").splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("+") and line[:3] != "+++")


def report(base: str, new: str, merge: Merge, kept_away: list[str]) -> None:
    """Print what the update changed, and what to do next."""
    print(f"Updated from the template's {base[:12]} to {new[:12]}; staged in your working tree:")
    print(git("diff", "--shortstat", "HEAD").strip() or " no changes that affect this fork")
    if kept_away:
        print("\nThese changed in the template but stay removed, as you removed them:")
        print(*(f"  {path}" for path in kept_away), sep="\n")
    if gained := news(base, new).strip():
        print(f"\nNew in the changelog:\n{gained}")
    if merge.conflicted:
        print("\nConflicts; resolve them, then `git add`:")
        print(*(f"  {place}" for place in places(merge)), sep="\n")
    print(f"\nLook at it:  git diff HEAD --stat\nKeep it:     {KEEP}\nUndo it:     {UNDO}")


def update(source: str, ref: str) -> bool:
    """Merge a later template into the working tree; return whether it merged without conflicts.

    Raises:
        Refusal: nothing was changed; the message says why.

    """
    check(source)
    new = fetched(source, ref)
    base = forks.base(new)
    if base == new:
        print(f"Already up to date: this fork is at the template's {new[:12]}.")
        return True
    name = package()
    old_tree, new_tree = forks.renamed(base, name), forks.renamed(new, name)
    gone = forks.taken_out(old_tree, new_tree)
    old_tree, new_tree = (forks.without(tree, gone) for tree in (old_tree, new_tree))
    merge = forks.merged(old_tree, new_tree)
    forks.apply(forks.with_base(merge.tree, new), merge)
    report(base, new, merge, sorted(path for path, changed in gone.items() if changed))
    return not merge.conflicted


def main(source: str, ref: str) -> None:
    """Update, and remove the temporary references."""
    try:
        whole = update(source, ref)
    finally:
        for left in git("for-each-ref", "--format=%(refname)", "refs/update").split():
            git("update-ref", "-d", left)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    try:
        main(*(*sys.argv[1:], "", "")[:2])
    except Refusal as refusal:
        sys.exit(f"Error: {refusal}")
