"""Charts of what a model answered."""

import numpy as np

from quintet.artifacts.predictions_file import Predictions
from quintet.report.prediction_charts import charts


def answers(task, target, predicted):
    index = np.arange(len(target))
    return Predictions(
        task, index, np.array(target), np.array(predicted, dtype=np.float32), len(index)
    )


def test_confusions_count_each_true_class_in_its_row():
    sure = np.eye(3)[[0, 1, 1, 2, 2]]
    (chart,) = charts(answers("multiclass", [0, 0, 1, 2, 2], sure), ["a", "b", "<c>"], "test")
    (other,) = charts(answers("multiclass", [2, 0, 1, 2, 2], sure), ["a", "b", "<c>"], "test")
    assert "<c> predicted as a (1)" in other.caption
    (heat,) = chart.given["data"]  # escaped, as plotly receives it
    assert heat["customdata"] == [[1, 1, 0], [0, 1, 0], [0, 0, 2]]
    assert heat["z"][0] == [50, 50, 0]
    assert heat["y"][2] == "&lt;c&gt;"
    assert "a predicted as b (1)" in chart.caption


def test_values_are_shown_against_the_truth_and_with_their_errors():
    found = answers("regression", [[1.0], [2.0], [4.0]], [[1.5], [2.0], [3.0]])
    both, errors = charts(found, ["price"], "test")
    assert both.traces[1]["x"] == [1, 2, 4]
    assert errors.traces[0]["y"] == [0.5, 0, -1]
    assert both.layout["xaxis"]["title"]["text"] == "true price"
