"""A genetic algorithm over the unit cube of the space."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quintet.sweep.samplers.surrogate import expected_improvement
from quintet.sweep.settings import check_least

if TYPE_CHECKING:
    import numpy as np

    from quintet.study.space import Params, Space
    from quintet.study.trial import Trial

Genes = dict[str, float]
"""A position in [0, 1] for each parameter, active or not."""
TRIES = 20
"""Number of mutations after which a duplicate child is accepted."""
STRANGERS = 3
"""One in this many candidates is random, so that values of no parent can come back."""


class Genetic:
    """Selection, crossover, mutation; one child at a time, so no slot waits for a generation.

    Parents are winners of tournaments among the `population` best so far (steady state; Eiben and
    Smith, "Introduction to evolutionary computing", 2015). A child takes each gene from either
    parent (uniform crossover, Syswerda 1989), and each gene mutates with probability `mutation`. Of
    several children, the one with the greatest expected improvement is tried, by a Gaussian process
    fitted to the trials so far (pre-selection; Jin 2011, "Surrogate-assisted evolutionary
    computation").

    Args:
        population: trials drawn at random first, and kept as possible parents.
        tournament: drawn from the population; the best of them is a parent.
        mutation: probability for each gene; None for one gene in each child on average.
        spread: standard deviation of a mutation, as a share of the range.
        children: of which one is tried; with 1 there is no model.

    """

    starts_with_defaults = True

    def __init__(
        self,
        population: int = 10,
        tournament: int = 3,
        mutation: float | None = None,
        spread: float = 0.15,
        children: int = 64,
    ) -> None:
        least = {"population": (population, 2), "tournament": (tournament, 1)}
        check_least("sampler", **least, children=(children, 1))
        self.population, self.tournament = population, tournament
        self.mutation, self.spread, self.children = mutation, spread, children

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return a child of two good trials; random params while there are too few."""
        import numpy as np

        rng = np.random.default_rng([seed, number])
        parents = self.select(trials, mode)
        if number < self.population or len(parents) < 2:
            return space.at({p.key: rng.random() for p in space.parameters})
        tried = [t.params for t in trials]
        if self.children == 1:
            return self.child(parents, tried, space, rng)
        candidates: list[Params] = []
        for index in range(self.children):
            if index % STRANGERS:
                candidates.append(self.child(parents, tried, space, rng))
            else:
                candidates.append(space.at({p.key: rng.random() for p in space.parameters}))
        usable = [t for t in trials if t.state != "failed"]
        new = [params for params in candidates if params not in tried] or candidates
        return new[int(expected_improvement(new, usable, space, mode).argmax())]

    def child(
        self,
        parents: "Sequence[Trial]",
        tried: "Sequence[Params]",
        space: "Space",
        rng: "np.random.Generator",
    ) -> "Params":
        """Return a child that has not been tried, unless each of several mutations has been."""
        mother, father = (
            self.genes(self.tournament_winner(parents, rng), space, rng) for _ in range(2)
        )
        genes = cross(mother, father, rng)
        for _ in range(TRIES):
            genes = self.mutate(genes, space, rng)
            if (params := space.at(genes)) not in tried:
                break
        return params

    def select(self, trials: "Sequence[Trial]", mode: str) -> "list[Trial]":
        """Return the best trials so far, the best first."""
        valued = [t for t in trials if t.value is not None and t.state in ("completed", "pruned")]
        sign = 1 if mode == "min" else -1
        return sorted(valued, key=lambda t: sign * (t.value or 0.0))[: self.population]

    def tournament_winner(self, parents: "Sequence[Trial]", rng: "np.random.Generator") -> "Trial":
        """Return the best of a random few; `parents` is sorted, best first."""
        return parents[int(rng.integers(len(parents), size=self.tournament).min())]

    def genes(self, trial: "Trial", space: "Space", rng: "np.random.Generator") -> Genes:
        """Return a trial's position in the cube, random for parameters without a value."""
        return {
            p.key: p.unit(trial.params[p.key]) if p.key in trial.params else rng.random()
            for p in space.parameters
        }

    def mutate(self, genes: Genes, space: "Space", rng: "np.random.Generator") -> Genes:
        """Return mutated genes: numbers change a little, options change freely."""
        chance = self.mutation if self.mutation is not None else 1 / len(genes)
        moved = {}
        for p in space.parameters:
            at = genes[p.key]
            if rng.random() < chance:
                near = at + self.spread * rng.standard_normal()
                at = min(max(near, 0.0), 1.0) if p.ordered else rng.random()
            moved[p.key] = at
        return moved


def cross(mother: Genes, father: Genes, rng: "np.random.Generator") -> Genes:
    """Return a child with each gene from either parent."""
    return {key: mother[key] if rng.random() < 0.5 else father[key] for key in mother}
