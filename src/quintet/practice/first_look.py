"""Which choices fit a data set that nobody has seen."""

from quintet.data.samples import Facts

MODELS = {"image": "cnn", "sequence": "gru", "tokens": "gru"}


def fitting(facts: Facts) -> dict[str, str]:
    """Return the metric, the loss and the model to begin with.

    Classes: accuracy and cross-entropy; where one class is so common that always saying it looks
    good, F1 and the weighted loss. Labels: F1 and binary cross-entropy. Numbers: RMSE and the mean
    squared error. A table goes to an mlp, with categories to one that has embeddings.
    """
    metric, loss = {
        "multilabel": ("f1", "bce"),
        "regression": ("rmse", "mse"),
    }.get(facts.task, ("accuracy", "cross_entropy"))
    if facts.task in ("binary", "multiclass") and imbalanced(facts.class_counts):
        metric, loss = "f1", "weighted_cross_entropy"
    model = "tabular" if facts.cardinalities else "mlp"
    return {"metric": metric, "loss": loss, "model": MODELS.get(facts.kind, model)}


def imbalanced(counts: list[int]) -> bool:
    """Tell whether a model that always names the largest class would seem good by accuracy."""
    share = max(counts) / max(1, sum(counts))
    return share >= 0.8 or (len(counts) > 2 and share >= 0.5)
