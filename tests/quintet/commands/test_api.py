"""A run, a sweep and a model from a script are those of the command line."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from quintet import api
from quintet.base.errors import Code, UserError

SHORT = ("trainer.max_epochs=1", "report=false", "baselines=false", "test=false")


def test_a_config_is_composed():
    cfg = api.compose("optimizer=sgd", "model.width=[32,16]")
    assert cfg.optimizer._target_ == "torch.optim.SGD"
    assert list(cfg.model.width) == [32, 16]


def test_a_run_is_recorded_and_its_model_predicts(tmp_path):
    run = api.train(*SHORT, folder=tmp_path / "a run")
    assert run.record.status == "completed"
    assert api.Record.read(run.folder) == run.record
    images = load_digits().images[:5, None]
    predicted = api.load(run.folder).predict(images)
    assert predicted.shape == (5, 10)
    assert np.allclose(predicted.sum(axis=1), 1, atol=1e-5)


def test_a_sweep_is_its_study(tmp_path):
    words = ("optimizer.lr=0.01,0.001", "model.width=8", *SHORT)
    study = api.sweep(*words, folder=tmp_path / "sweep")
    assert [t.state for t in study.trials()] == ["completed", "completed"]
    assert len(api.sweep(*words, folder=tmp_path / "sweep").trials()) == 2


def test_a_mistake_is_raised_with_its_message(tmp_path):
    with pytest.raises(UserError) as caught:
        api.train("optimizer=adm", folder=tmp_path)
    assert caught.value.code is Code.FAILED
    assert "'adam'" in str(caught.value)


IMAGES = np.zeros((2, 1, 8, 8))


@pytest.mark.parametrize(
    ("inputs", "size", "key"),
    [
        (np.zeros((2, 64)), 8, "input"),
        (np.zeros((2, 3, 1, 8, 8)), 8, "input"),
        (np.float32(0), 8, "input"),
        (np.full(IMAGES.shape, "a"), 8, "inputs"),
        (np.full(IMAGES.shape, object()), 8, "inputs"),
        (IMAGES.astype(complex), 8, "inputs"),
        (None, 8, "inputs"),
        (IMAGES, 0, "batch_size"),
        (IMAGES, 1.5, "batch_size"),
    ],
)
def test_inputs_that_a_model_cannot_take_are_refused(digits_run, inputs, size, key):
    with pytest.raises(UserError) as caught:
        api.load(digits_run).predict(inputs, batch_size=size)
    assert caught.value.key == key
