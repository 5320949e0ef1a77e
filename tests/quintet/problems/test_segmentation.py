"""Masks: measures as torchmetrics has them, losses that ignore pixels, folders that are read."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from quintet.analysis.bootstrap import measured
from quintet.artifacts.predictions_file import Predictions, read, write
from quintet.data.facts import check
from quintet.data.sources.arrays import arrays
from quintet.data.sources.bundled import digits_masks
from quintet.options.losses import Dice, Focal
from quintet.problems import PROBLEMS, problem_of
from quintet.problems.segmentation import IGNORED
from quintet.report.run.mask_charts import beside, palette
from quintet.testing.compose import build, facts

SEGMENTATION = problem_of("segmentation")


def drawn(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities (N, 3, 5, 4) and masks, a fifth of whose pixels are ignored."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(count, 3, 5, 4, generator=generator)
    y = torch.randint(0, 3, (count, 5, 4), generator=generator)
    y[:, 0] = IGNORED
    return SEGMENTATION.predictions(outputs), y


def answers() -> Predictions:
    predicted, y = drawn()
    stored = SEGMENTATION.stored(predicted).float().numpy()
    return Predictions("segmentation", np.arange(len(y)), y.numpy(), stored, len(y))


@pytest.mark.parametrize("name", ["iou", "dice", "pixel_accuracy"])
def test_measures_are_those_of_torchmetrics(name):
    predicted, y = drawn()
    metric = build("metric", name, "segmentation")
    metric.update(predicted, y)
    assert measured(answers(), name) == pytest.approx(float(metric.compute()), abs=1e-6)


def test_metrics_count_no_ignored_pixel():
    predicted, y = drawn()
    cut = build("metric", "iou", "segmentation")
    cut.update(predicted[:, :, 1:], y[:, 1:])
    whole = build("metric", "iou", "segmentation")
    whole.update(predicted, y)
    assert float(whole.compute()) == pytest.approx(float(cut.compute()))


@pytest.mark.parametrize("loss", [Dice(), Focal(2.0), torch.nn.CrossEntropyLoss()])
def test_losses_count_no_ignored_pixel(loss):
    outputs, y = torch.randn(6, 3, 5, 4), drawn()[1]
    assert float(loss(outputs, y)) == pytest.approx(
        float(loss(outputs[:, :, 1:].contiguous(), y[:, 1:])), rel=1e-5
    )


def test_focal_with_gamma_0_is_cross_entropy_pixel_by_pixel():
    outputs, y = torch.randn(6, 3, 5, 4), drawn()[1]
    assert float(Focal(0.0)(outputs, y)) == pytest.approx(
        float(functional.cross_entropy(outputs, y)), rel=1e-5
    )


def test_dice_is_nearly_0_for_the_truth_and_nearly_1_for_its_opposite():
    y = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 8, 8)
    right = 40.0 * functional.one_hot(y, 2).movedim(-1, 1)
    assert float(Dice()(right, y)) < 0.01
    assert float(Dice()(-right, y)) > 0.9


def test_an_uninformed_model_has_a_loss_of_ln_c():
    y = drawn()[1]
    guess = SEGMENTATION.blank(y, 3)
    assert float(functional.cross_entropy(guess, y)) == pytest.approx(np.log(3))


def test_class_counts_are_of_pixels_that_count():
    y = drawn()[1]
    assert sum(SEGMENTATION.class_counts(y, 3)) == int((y != IGNORED).sum())


def test_predictions_are_written_and_read_back(tmp_path):
    write(tmp_path, {"val": answers()})
    found = read(tmp_path)["val"]
    assert np.array_equal(found.decided, answers().decided)
    assert np.array_equal(found.wrongness(), answers().wrongness())


def test_canvases_use_each_digit_once_and_mark_its_ink():
    samples = digits_masks()
    check(samples)
    assert samples.x.shape == (599, 1, 24, 24)
    assert bool((samples.x[:, 0][samples.y > 0] >= 4).all())
    assert bool((samples.x[:, 0][samples.y == 0] < 4).all())
    assert torch.equal(digits_masks().y, samples.y)


def test_arrays_of_integers_beside_images_are_masks(tmp_path):
    x = np.zeros((4, 1, 6, 6), np.float32)
    y = np.zeros((4, 6, 6), np.int64)
    y[:, :2], y[:, 2] = 1, 255
    np.savez(tmp_path / "own.npz", x=x, y=y)
    samples = arrays(str(tmp_path / "own.npz"), ignore=255)
    assert samples.task == "segmentation"
    assert samples.y.unique().tolist() == [IGNORED, 0, 1]


def test_worst_cases_show_image_mask_and_prediction():
    picture = beside(np.zeros((4, 4), np.uint8), np.ones((8, 8), int), np.zeros((8, 8), np.float32))
    assert picture.shape == (4, 3 * 4 + 2 * 2, 3)
    assert picture[0, 6].tolist() == palette(np.ones((1, 1), int))[0, 0].tolist() != [0, 0, 0]


def test_every_problem_states_what_the_rest_asks():
    for name, problem in PROBLEMS.items():
        assert problem.name == name
        assert problem.reported
        assert isinstance(problem.sections, tuple)
        assert facts(name)["task"] == name
