"""Commands to copy contain no untrusted override that could do more than choose."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quintet.base.console import command_line
from quintet.config.safe_overrides import SIMPLE, _chooses, is_safe, overrides_of


@pytest.mark.parametrize(
    "word",
    [
        "optimizer.lr=0.1", "model=cnn", "hydra/launcher=workers_joblib", "hydra.sweep.dir=/a/b",
        "search_space=[optimizer,architecture]", "optimizer=adam,sgd", "data.path='/a b/c'",
        "optimizer.lr=tag(log,interval(1e-4,1e-1))", "~callbacks.timer", "callbacks=[ema,timer]",
        "hydra.launcher.n_jobs=4", "model.width=[64,32],[8]", "study=mine",
    ],
)  # fmt: skip
def test_a_choice_is_kept(word: str) -> None:
    assert is_safe(word)


@pytest.mark.parametrize(
    "word",
    [
        "model._target_=os.system", "+x={_target_: a}", "model.x=[{_args_: [1]}]", "a=b;rm",
        "hydra.launcher.setup=['rm -rf /']", "hydra.searchpath=[x]", "experiment=../../x",
        "logger.x=${oc.env:HOME}", "hydra.job_logging.x=1", "model=cnn,../x", "--config-dir=/x",
        "optimizer.lr=choice({_target_: a},1)", "", "x", "a=" + "[" * 500, "a.b=\n", "a=$(rm)",
    ],
)  # fmt: skip
def test_what_could_run_code_is_left_out(word: str) -> None:
    assert not is_safe(word)


@given(st.from_regex(SIMPLE, fullmatch=True))
@example("a" * 300 + "=0")  # longer than a file's name may be
def test_what_is_harmless_by_its_form_is_so_for_hydra_too(word: str) -> None:
    assert is_safe(word) == _chooses(word)


def test_a_kept_command_is_one_of_train_alone() -> None:
    kept = command_line("train", "-m", "optimizer=adam,sgd", "study=a b")
    assert overrides_of(kept) == (["-m", "optimizer=adam,sgd", "study=a b"], [])
    for command in ("rm -rf /", "python evil.py", "python 'x", "curl x | python train.py"):
        assert overrides_of(command) == ([], [command])
