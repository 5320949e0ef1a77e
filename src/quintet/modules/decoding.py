"""From a model's raw outputs to predictions, as metrics and users read them."""

from torch import Tensor

from quintet.data.samples import Task


def predictions(outputs: Tensor, task: Task) -> Tensor:
    """Turn raw outputs into probabilities or values.

    Args:
        outputs: (N, K) logits or values.
        task: what the model predicts.

    Returns:
        binary: probability of class 1, (N,), from one logit or two. multiclass: probabilities that
        add up to 1, (N, C). multilabel: a probability for each label, (N, L). regression: the
        values themselves, (N, K).

    """
    if task == "binary":
        return outputs[:, 0].sigmoid() if outputs.shape[1] == 1 else outputs.softmax(1)[:, 1]
    if task == "multiclass":
        return outputs.softmax(1)
    return outputs.sigmoid() if task == "multilabel" else outputs
