"""The user's own params are tried first: read, checked, stored in the study."""

import pytest

from quintet.base.errors import Code, UserError
from quintet.study.study import Study
from quintet.sweep.pipeline import open_study

WORDS = ["sweeper=random", "sweeper.n_trials=5", "optimizer=adam,sgd_momentum",
         "optimizer.lr=interval(1e-3,1)"]  # fmt: skip


@pytest.fixture
def planned(settled, tmp_path):
    """`planned("optimizer,optimizer.lr", "sgd_momentum,0.1")`: the plan of a sweep with a file."""

    def plan(*lines, words=WORDS):
        path = tmp_path / "points.csv"
        path.write_text("\n".join(lines) + "\n")
        return settled(*words, f"sweeper.try={path}")

    return plan


def test_rows_are_tried_after_the_defaults(planned):
    plan = planned("optimizer,optimizer.lr", "sgd_momentum,0.1", "adam,0.5")
    assert plan.enqueued == (
        plan.defaults,
        {"optimizer": "sgd_momentum", "optimizer.lr": "0.1"},
        {"optimizer": "adam", "optimizer.lr": "0.5"},
    )


def test_what_a_row_leaves_out_is_the_configs_own(planned):
    plan = planned("optimizer,optimizer.lr", "sgd_momentum,")
    assert plan.points == ({"optimizer": "sgd_momentum", "optimizer.lr": "0.001"},)


def test_a_leaderboard_is_such_a_file(planned):
    header = "trial,state,value,epochs,seconds,folder,optimizer,optimizer.lr"
    plan = planned(header, "7,completed,0.9,3,1.0,trials/0007,adam,0.02")
    assert plan.points == ({"optimizer": "adam", "optimizer.lr": "0.02"},)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("optimizer.rate", "0.1"), Code.UNKNOWN_NAME),
        (("optimizer.lr", "7"), Code.OUT_OF_RANGE),
        (("optimizer", "adam; rm"), Code.OUT_OF_RANGE),
        (("optimizer.lr", "0.1,0.2"), Code.DATA),
        (("optimizer.lr", "9" * 200_000), Code.DATA),
        (("optimizer.lr", '"0.1'), Code.DATA),
        (("",), Code.DATA),
    ],
)
def test_what_is_not_of_the_space_is_refused_before_the_first_trial(planned, lines, code):
    with pytest.raises(UserError) as caught:
        planned(*lines)
    assert (caught.value.code, caught.value.key) == (code, "sweeper.try")


def test_another_encoding_is_named(settled, tmp_path):
    (tmp_path / "points.csv").write_bytes("optimizer\n\xe9\n".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8") as caught:
        settled(*WORDS, f"sweeper.try={tmp_path / 'points.csv'}")
    assert caught.value.key == "sweeper.try"


def test_a_grid_tries_every_value_anyway(planned):
    with pytest.raises(UserError) as caught:
        planned("optimizer", "adam", words=["sweeper=grid", "optimizer=adam,sgd"])
    assert caught.value.code is Code.CONFLICT


def test_a_missing_file_is_refused(settled):
    with pytest.raises(UserError) as caught:
        settled(*WORDS, "sweeper.try=/nowhere.csv")
    assert caught.value.code is Code.NOT_FOUND


def test_a_sweep_that_is_continued_keeps_the_rows_it_was_begun_with(planned, settled):
    begun, _ = open_study(planned("optimizer.lr", "0.1"), 5)
    continued, _ = open_study(settled(*WORDS), 5)
    assert continued.points == begun.points != ()
    changed, _ = open_study(planned("optimizer.lr", "0.2"), 5)
    assert changed.points == begun.points


def test_rows_that_somebody_else_wrote_into_the_study_are_refused(planned):
    plan = planned("optimizer.lr", "0.1")
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    study.optuna.set_user_attr("tried_first", [{"hydra.run.dir": "/"}])
    with pytest.raises(UserError) as caught:
        open_study(plan, 5)
    assert caught.value.code is Code.NOT_TRUSTED
