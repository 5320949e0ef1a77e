"""What is checked before the first trial: each option, each value that could be wrong."""

import json

import pytest

from quintet.base import error_file
from quintet.base.errors import UserError
from quintet.sweep.preflight import ASKED, REFUSED, asked, main


def checked(plan, folder):
    (folder / ASKED).write_text(json.dumps(asked(plan)))
    main(folder)
    return error_file.read(folder / REFUSED)


@pytest.mark.parametrize(
    "arguments",
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
)
def test_what_works_passes(settled, tmp_path, arguments):
    assert checked(settled(*arguments), tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["+optimizer.foo=1,2"], "Adam takes no 'foo'"),
        (["+optimizer.foo=1", "seed=1,2"], "Adam takes no 'foo'"),
        (["optimizer.lr=", "seed=1,2"], "optimizer.lr= is of type str"),
        (["optimizer.lr=0.1,0.2,ten"], "optimizer.lr=ten is of type str"),
        (["optimizer.lr=-1,0.1"], "optimizer.lr=-1 is out of range"),
        (["sweeper=random", "optimizer.lr=interval(-1,0.1)"], "optimizer.lr=-1 is out of range"),
        (["model.width=8,16.5,32"], "model.width=16.5 is of type float"),
        (["optimizer=sgd_momentum,adam", "++optimizer.nesterov=true,false"], "takes no 'nesterov'"),
        (["optimizer=sgd", "++optimizer.nesterov=true", "seed=1,2"], "requires a momentum"),
        (["loss=cross_entropy,mse"], "loss=mse does not fit a multiclass task"),
        (["++nokey=1,2"], "nokey is not a key of the config"),
        (["seed=-1,1"], "seed=-1 is out of range"),
        (["trainer.max_epochs=abc", "seed=1,2"], "trainer.max_epochs=abc is of type str"),
        (["callbacks=[ema,swa],[ema]"], "Choose one of them"),
    ],
)
def test_what_no_trial_could_run_with_is_refused(settled, tmp_path, arguments, says):
    assert says in str(checked(settled(*arguments), tmp_path))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["data=digits,diabetes"], "data=diabetes brings metric=rmse"),
        (["sweeper=asha", "trainer.max_epochs=3,9"], "of one length"),
        (["cv.seeds=2", "seed=1,2"], "trials would share them"),
        (["cv.folds=5", "data.folds=3", "seed=1,2"], "data.folds=3 selects one of them"),
        (["scheduler=constant,null"], "scheduler=null is not an option"),
        (["optimizer=adam,sdg"], "Did you mean 'sgd'?"),
    ],
)
def test_what_cannot_be_compared_is_refused_without_torch(settled, arguments, says):
    with pytest.raises(UserError) as caught:
        settled(*arguments)
    assert says in str(caught.value)


def test_a_long_list_of_numbers_is_checked_by_its_ends(settled):
    (example,) = settled("seed=range(0,1000)", "optimizer.lr=0.1,0.5,0.3").examples
    assert example.values == {"seed": [0, 999], "optimizer.lr": [0.1, 0.5]}
