"""Compare `experiment=language_model` with a 5-gram model of bytes; see docs/language-model.md.

python benchmarks/language_model.py                      # the 5-gram model alone, in seconds
python benchmarks/language_model.py --run logs/train/runs/<folder>
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from quintet.data.sources.token_files import split_texts, topics


class KneserNey:
    """An interpolated Kneser-Ney model of bytes.

    Kneser and Ney, 1995, "Improved backing-off for m-gram language modeling", interpolated as in
    Chen and Goodman, 1999, "An empirical study of smoothing techniques for language modeling",
    with one discount for each order, estimated as n1 / (n1 + 2 n2).

    Args:
        text: to learn from.
        order: length of an n-gram in bytes; 5 predicts a byte from the four before it.

    """

    def __init__(self, text: bytes, order: int) -> None:
        counts: dict[int, dict[bytes, int]] = {n: defaultdict(int) for n in range(1, order + 1)}
        for i in range(len(text) - order + 1):
            counts[order][text[i : i + order]] += 1
        for n in range(order, 1, -1):  # lower orders count the bytes that an n-gram follows
            for gram in counts[n]:
                counts[n - 1][gram[1:]] += 1
        self.order, self.counts = order, counts
        self.totals: dict[bytes, int] = defaultdict(int)
        self.kinds: dict[bytes, int] = defaultdict(int)
        self.discounts = {}
        for n, found in counts.items():
            once, twice = (sum(c == k for c in found.values()) for k in (1, 2))
            self.discounts[n] = once / (once + 2 * twice) if once else 0.5
            for gram, count in found.items():
                self.totals[bytes([n]) + gram[:-1]] += count
                self.kinds[bytes([n]) + gram[:-1]] += 1

    def probability(self, context: bytes, byte: bytes) -> float:
        """Return the probability of a byte after the bytes before it."""
        chance = 1 / 256
        for n in range(1, self.order + 1):
            before = context[len(context) - n + 1 :]
            key = bytes([n]) + before
            if total := self.totals.get(key):
                discount = self.discounts[n]
                kept = max(self.counts[n].get(before + byte, 0) - discount, 0)
                chance = (kept + discount * self.kinds[key] * chance) / total
        return chance

    def bits_per_byte(self, text: bytes) -> float:
        """Return the mean bits per byte of a text, over bytes with a full context."""
        first = self.order - 1
        places = range(first, len(text))
        chances = (self.probability(text[i - first : i], text[i : i + 1]) for i in places)
        return -sum(map(math.log2, chances)) / len(places)


def main(run: str | None, seed: int) -> None:
    """Print bits per byte of validation and test parts."""
    parts = split_texts(topics(), (0.1, 0.1), seed)
    print({split: len(text) for split, text in parts.items()}, "bytes")
    for order in (3, 4, 5, 6, 7):
        model = KneserNey(parts["train"], order)
        scores = [f"{split} {model.bits_per_byte(parts[split]):.4f}" for split in ("val", "test")]
        print(f"{order}-gram:", *scores)
    if run:
        record = json.loads((Path(run) / "result.json").read_text())
        print("run:", record["metric"]["value"], record["test"]["bits_per_byte"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run")
    parser.add_argument("--seed", type=int, default=42)
    main(**vars(parser.parse_args()))
