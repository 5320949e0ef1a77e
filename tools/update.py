"""Take a later template into a fork: what changed there since the fork's base, and nothing else.

make update FROM=<address or path of the template>            # its newest version
make update FROM=<address or path of the template> REF=v2.0   # a branch, a tag or a commit

It is a three-way merge of the base, the fork as it is and the new version, the two versions of the
template first renamed as the fork is. The merge is made beside the working tree and put there when
it is done: staged, not committed. A conflict is marked where both sides changed the same lines.
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
    """Refuse to begin where the change could not be told from others, or taken back.

    Raises:
        Refusal: says why, and what to do.

    """
    if not source or source.startswith("-"):
        raise Refusal("From where? make update FROM=<address or path of the template>")
    try:
        changed = git("status", "--porcelain")
    except (subprocess.CalledProcessError, FileNotFoundError):
        raise Refusal(f"{ROOT} is no git checkout, so that nothing could be taken back.") from None
    if changed:
        listed = "\n  ".join(changed.splitlines()[:5])
        raise Refusal(
            "The working tree has changes, which an update could not be told from. Commit them, or "
            f"git stash --include-untracked:\n  {listed}"
        )


def fetched(source: str, ref: str) -> str:
    """Fetch a version of the template; return its commit.

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
    """Return where the conflicts are: a line for each mark, or what is wrong with a whole file."""
    found = []
    for path in merge.conflicted:
        text = (ROOT / path).read_text("utf-8", "replace") if (ROOT / path).is_file() else ""
        rows = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith(MARK)]
        found += [f"{path}:{row}" for row in rows] or [f"{path}: {merge.reason(path)}"]
    return found


def news(base: str, new: str) -> str:
    """Return the lines that the template's changelog has gained."""
    lines = git("diff", "--unified=0", base, new, "--", "CHANGELOG.md").splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("+") and line[:3] != "+++")


def report(base: str, new: str, merge: Merge, kept_away: list[str]) -> None:
    """Say what the update brought, and what to do with it."""
    print(f"The template's {new[:12]} is in your working tree, staged, in place of {base[:12]}:")
    print(git("diff", "--shortstat", "HEAD").strip() or " nothing that concerns this fork")
    if kept_away:
        print("\nYou took these out; they changed in the template, and stay out:")
        print(*(f"  {path}" for path in kept_away), sep="\n")
    if gained := news(base, new).strip():
        print(f"\nNew in the changelog:\n{gained}")
    if merge.conflicted:
        print("\nBoth sides changed these; choose, save, `git add`:")
        print(*(f"  {place}" for place in places(merge)), sep="\n")
    print(f"\nLook at it:  git diff HEAD --stat\nKeep it:     {KEEP}\nUndo it:     {UNDO}")


def update(source: str, ref: str) -> bool:
    """Bring a later template into the working tree; tell whether all of it merged.

    Raises:
        Refusal: nothing was changed; the message says why.

    """
    check(source)
    new = fetched(source, ref)
    base = forks.base(new)
    if base == new:
        print(f"Nothing is new: this fork is at the template's {new[:12]}.")
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
    """Update, and leave no reference behind."""
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
