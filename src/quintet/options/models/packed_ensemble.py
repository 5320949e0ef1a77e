"""Models that contain several models: each is trained on its own, and predictions are averaged."""

from abc import ABC, abstractmethod
from math import log

from torch import Tensor, nn
from torch.nn import functional

from quintet.problems import Task, problem_of


class PackedEnsemble(nn.Module, ABC):
    """A model of several members, whose mean loss is minimised and whose predictions are averaged.

    A module that trains it uses the loss of `members`, not that of the average, which would let
    members compensate for each other and lose the gain of an ensemble.

    Args:
        task: what is predicted: probabilities or values are averaged, not logits.

    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.problem = problem_of(task)

    @abstractmethod
    def members(self, x: Tensor) -> Tensor:
        """Return the raw outputs of each member, (N, K, outputs)."""

    def average(self, outputs: Tensor) -> Tensor:
        """Return the outputs (N, outputs) equivalent to the mean prediction of (N, K, outputs).

        If all members agree, these are their outputs.
        """
        if not self.problem.discrete:
            return outputs.mean(1)
        if self.problem.exclusive and outputs.shape[2] > 1:
            chance = outputs.log_softmax(2).logsumexp(1) - log(outputs.shape[1])
            return chance + outputs.logsumexp(2).mean(1, keepdim=True)
        # log(p / (1 - p)) of the mean p, without leaving the scale of logarithms
        return functional.logsigmoid(outputs).logsumexp(1) - functional.logsigmoid(
            -outputs
        ).logsumexp(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the average of the members' predictions as raw outputs, (N, outputs)."""
        return self.average(self.members(x))
