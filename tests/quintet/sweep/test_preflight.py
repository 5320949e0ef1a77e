"""The checks before the first trial: each option, each value that could be wrong."""

import json

import pytest

from quintet.base import error_file
from quintet.base.errors import Code
from quintet.sweep.preflight import ASKED, REFUSED, asked, main
from refusals import Refusal
from usual import every


def checked(plan, folder):
    (folder / ASKED).write_text(json.dumps(asked(plan)))
    main(folder)
    return error_file.read(folder / REFUSED)


@pytest.mark.parametrize(
    "arguments",
    every(
        3,
        map(
            pytest.param,
            [
                ["optimizer=adam,sgd", "optimizer.lr=0.1,1e-3"],
                ["optimizer=adagrad,sgd", "scheduler=one_cycle,plateau"],
                ["++optimizer.amsgrad=true,false", "model.width=[32,16],[64],8"],
                ["sweeper=random", "search_space=medium"],
                ["sweeper=random", "search_space=loss", "++optimizer.lr=0.1,0.2"],
                ["data=digits,wine", "model=mlp,cnn"],
                ["sweeper=manual"],
                ["optimizer=sgd", "optimizer.momentum=0,0.9", "++optimizer.nesterov=true,false"],
                ["callbacks.early_stopping=null", "callbacks=ema,swa"],
            ],
        ),
    ),
)
def test_what_works_passes(settled, tmp_path, arguments):
    assert checked(settled(*arguments), tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "code", "key", "value"),
    every(
        2,
        [
            (["+optimizer.foo=1,2"], Code.UNKNOWN_NAME, "optimizer.foo", None),
            (["+optimizer.foo=1", "seed=1,2"], Code.UNKNOWN_NAME, "optimizer.foo", None),
            (["optimizer.lr=", "seed=1,2"], Code.WRONG_TYPE, "optimizer.lr", ""),
            (["optimizer.lr=0.1,0.2,ten"], Code.WRONG_TYPE, "optimizer.lr", "ten"),
            (["optimizer.lr=-1,0.1"], Code.OUT_OF_RANGE, "optimizer.lr", "-1"),
            (
                ["sweeper=random", "optimizer.lr=interval(-1,0.1)"],
                *(Code.OUT_OF_RANGE, "optimizer.lr", "-1"),
            ),
            (["model.width=8,16.5,32"], Code.WRONG_TYPE, "model.width", "16.5"),
            (
                ["optimizer=sgd_momentum,adam", "++optimizer.nesterov=true,false"],
                *(Code.UNKNOWN_NAME, "optimizer.nesterov", None),
            ),
            (
                ["optimizer=sgd", "++optimizer.nesterov=true", "seed=1,2"],
                *(Code.FAILED, "optimizer", None),
            ),
            (["loss=cross_entropy,mse"], Code.INCOMPATIBLE, "loss", "mse"),
            (["++nokey=1,2"], Code.UNKNOWN_NAME, "nokey", None),
            (["seed=-1,1"], Code.OUT_OF_RANGE, "seed", "-1"),
            (["trainer.max_epochs=abc", "seed=1,2"], Code.WRONG_TYPE, "trainer.max_epochs", "abc"),
            (["callbacks=[ema,swa],[ema]"], Code.CONFLICT, "callbacks", "[ema,swa]"),
        ],
    ),
)
def test_what_no_trial_could_run_with_is_refused(settled, tmp_path, arguments, code, key, value):
    error = checked(settled(*arguments), tmp_path)
    assert (error.code, error.key, error.value) == (code, key, value)


@pytest.mark.parametrize(
    ("arguments", "code", "key"),
    [
        (["data=digits,diabetes"], Code.CONFLICT, "data"),
        (["sweeper=asha", "trainer.max_epochs=3,9"], Code.CONFLICT, "trainer.max_epochs"),
        (["cv.seeds=2", "seed=1,2"], Code.CONFLICT, "seed"),
        (["cv.folds=5", "data.folds=3", "seed=1,2"], Code.CONFLICT, "cv.folds"),
        (["scheduler=constant,null"], Code.UNKNOWN_NAME, "scheduler"),
        (["optimizer=adam,sdg"], Code.UNKNOWN_NAME, "optimizer"),
    ],
)
def test_what_cannot_be_compared_is_refused_without_torch(settled, arguments, code, key):
    with Refusal(code, key):
        settled(*arguments)


def test_a_long_list_of_numbers_is_checked_by_its_ends(settled):
    (example,) = settled("seed=range(0,1000)", "optimizer.lr=0.1,0.5,0.3").examples
    assert example.values == {"seed": [0, 999], "optimizer.lr": [0.1, 0.5]}
