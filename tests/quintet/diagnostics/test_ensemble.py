import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from subjects import composed

from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.commands.prediction import predict
from quintet.ensembles import candidates as trials
from quintet.ensembles import cross_validation, members
from quintet.ensembles.candidates import CandidatePredictions, candidates, joined, same_samples
from quintet.ensembles.ensemble import assemble, save
from quintet.ensembles.reload import trained
from quintet.training import build
from refusals import Refusal


def trained_as_trials(folder, *words, widths):
    """Train a trial a width and leave them as a sweep does."""
    rows = ["trial,state,value,epochs,seconds,folder"]
    quick = ("trainer=cpu", "test=false", "baselines=false", "callbacks.progress=null")
    for number, width in enumerate(widths):
        place = folder / "trials" / f"{number:04d}"
        place.mkdir(parents=True)
        record = cross_validation.run(composed(place, *quick, *words, f"model.width={width}"))
        rows.append(f"{number},completed,{record.metric.value},{record.epochs},1,{place}")
    (folder / "leaderboard.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Three trials with 200 training rows."""
    words = ("data.fraction=0.16", "trainer.max_epochs=8", "optimizer.lr=0.01")
    return trained_as_trials(tmp_path_factory.mktemp("sweep"), *words, widths=(8, 16, 24))


def settings(sweep, **changes):
    given = {"sweep": str(sweep), "output": None, "candidates": 20, "size": 10}
    return OmegaConf.create(given | {"test": True, "debug": False} | changes)


def test_it_is_compared_with_the_best_single_model(sweep, capsys):
    made = assemble(settings(sweep))
    assert made.val >= made.single_val
    assert made.test is not None
    assert f"{made.test:.4f}" in capsys.readouterr().out
    kept = json.loads((sweep / "ensemble" / "ensemble.json").read_text())
    assert kept["members"] == made.members


def test_predict_takes_it_and_averages_its_members(sweep, tmp_path):
    made = assemble(settings(sweep, output=str(tmp_path / "made"), test=False))
    images = np.random.default_rng(0).uniform(0, 16, (5, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "new.npz", x=images)
    words = {"run": str(tmp_path / "made"), "input": str(tmp_path / "new.npz"), "debug": False}
    output = tmp_path / "predictions.csv"
    more = {"output": str(output), "checkpoint": "best", "batch_size": 3}
    predict(OmegaConf.create(words | more))
    expected, total = 0.0, sum(made.members.values())
    for name, count in made.members.items():
        run = trained(tmp_path / "made" / name)
        with torch.no_grad():
            outputs = run.task(run.data.preprocess.transform(torch.from_numpy(images)))
        expected = expected + run.task.predictions(outputs) * count / total
    found = pd.read_csv(output)[[f"p({digit})" for digit in range(10)]].to_numpy()
    assert np.allclose(found, expected.numpy(), atol=1e-6)


def test_where_one_model_is_needed_it_is_told_from_a_run(sweep, tmp_path):
    assemble(settings(sweep, output=str(tmp_path / "made"), test=False))
    with Refusal(Code.INCOMPATIBLE, "run"):
        trained(tmp_path / "made")


def test_a_closed_test_set_stays_closed(sweep, tmp_path):
    made = assemble(settings(sweep, output=str(tmp_path / "made"), test=False))
    assert made.test is None
    assert made.single_test is None


def test_a_folder_that_is_no_sweep_is_refused(tmp_path):
    with Refusal(Code.NOT_FOUND, "sweep"):
        assemble(settings(tmp_path))


def test_a_sweep_that_has_not_ended_is_told_from_no_sweep(tmp_path):
    (tmp_path / "trials").mkdir()
    with pytest.raises(UserError) as caught:
        assemble(settings(tmp_path))
    assert (caught.value.code, caught.value.key) == (Code.NOT_FOUND, "sweep")
    assert "has not ended" in caught.value.problem


@pytest.mark.parametrize("words", [{"candidates": 0}, {"size": 0}, {"size": "all"}])
def test_no_number_of_models_is_refused(sweep, words):
    with pytest.raises(UserError) as caught:
        assemble(settings(sweep, **words))
    error = caught.value
    assert (error.code, {error.key: error.value}) == (Code.OUT_OF_RANGE, words)


def test_a_trial_whose_checkpoint_is_gone_is_left_out_and_named(sweep, tmp_path, capsys):
    less = shutil.copytree(sweep, tmp_path / "less")
    (less / "trials/0001/checkpoints/best.ckpt").unlink()
    made = assemble(settings(less, test=False))
    assert not any("0001" in name for name in made.members)
    assert "skipped, without checkpoints: trials 0001" in capsys.readouterr().out


def test_samples_are_told_apart_where_their_targets_are_alike(tmp_path):
    said = []
    for seed in (1, 1, 2):
        cfg = composed(tmp_path, "data=wine", f"data.seed={seed}")
        data = build.data(cfg)
        data.load()
        truth, test = (data.splits[split][1] for split in ("val", "test"))
        indices = [data.indices[split] for split in ("val", "test")]
        said.append(CandidatePredictions(cfg, [], [truth], test, indices))
    first, again, other = said
    assert torch.equal(first.truth[0], other.truth[0])
    assert same_samples(first, again)
    assert not same_samples(first, other)


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    """Return a sweep with two cross-validated trials and one that was stopped after a fold."""
    words = ("data=wine", "trainer.max_epochs=3", "cv.folds=2")
    folder = trained_as_trials(tmp_path_factory.mktemp("folded"), *words, widths=(4, 8, 12))
    Ensemble("accuracy", "max", {"folds/0": 1}).write(folder / "trials/0002")
    return folder


def test_of_cross_validated_trials_it_is_chosen_by_what_each_fold_held_out(folded):
    made = assemble(settings(folded))
    recorded = [Record.read(p).metric.value for p in sorted((folded / "trials").iterdir())][:2]
    assert made.single_val == pytest.approx(max(recorded))
    assert made.val >= made.single_val
    assert {Path(name).parts[1] for name in made.members} <= {"0000", "0001", "0002"}


def test_a_trial_without_every_fold_takes_part_by_those_that_it_has(folded, tmp_path):
    found = candidates(folded, 3)
    assert [(c.number, len(c.folds)) for c in found] == [(0, 2), (1, 2), (2, 1)]
    save(Ensemble("accuracy", "max"), tmp_path / "made", {found[0]: 1, found[2]: 3})
    votes = Ensemble.read(tmp_path / "made").members
    assert [*votes.values()] == [1, 1, 6]  # a trial's models share its weight
    whole, part = trials.predict(found[0]), trials.predict(found[2])
    assert same_samples(part, whole)
    assert not same_samples(whole, part)
    lacking = joined(part, whole).isnan().all(1)
    assert lacking.tolist() == [False] * len(part.predicted[0]) + [True] * len(whole.predicted[1])


def test_every_fold_of_a_chosen_trial_becomes_a_member(folded):
    made = assemble(settings(folded, size=1))
    trial = folded / "trials" / Path(next(iter(made.members))).parts[1]
    assert [*made.members] == [f"members/{trial.name}/folds/{n}" for n in (0, 1)]
    assert members.on_test(folded / "ensemble") == {
        "accuracy": pytest.approx(members.on_test(trial)["accuracy"])
    }
    assert made.test == pytest.approx(members.on_test(trial)["accuracy"])


def test_an_output_folder_loses_no_files_of_others(sweep, tmp_path):
    output, mine = tmp_path / "mine", tmp_path / "mine" / "thesis.tex"
    output.mkdir()
    mine.write_text("mine")
    with Refusal(Code.EXISTS, "output"):
        assemble(settings(sweep, output=str(output), test=False))
    for _ in range(2):
        assemble(settings(sweep, output=str(output), test=False, overwrite=True))
    assert sorted(p.name for p in output.iterdir()) == ["ensemble.json", "members", "thesis.tex"]
    for inside in (sweep, sweep.parent, sweep / "trials"):
        with Refusal(Code.CONFLICT, "output"):
            assemble(settings(sweep, output=str(inside), test=False, overwrite=True))


def test_a_sweep_of_a_stranger_leads_nowhere_else(sweep, tmp_path):
    stranger = shutil.copytree(sweep, tmp_path / "stranger")
    (stranger / "trials" / "0001").rename(tmp_path / "elsewhere")
    (stranger / "trials" / "0001").symlink_to(tmp_path / "elsewhere")
    with Refusal(Code.DAMAGED, match="leads out of"):
        assemble(settings(stranger, output=str(tmp_path / "out")))
    shutil.rmtree(stranger / "ensemble", ignore_errors=True)
    (stranger / "trials" / "0001").unlink()
    (tmp_path / "elsewhere").rename(stranger / "trials" / "0001")
    (stranger / "ensemble").symlink_to(tmp_path)
    with Refusal(Code.DAMAGED, match="leads out of"):
        assemble(settings(stranger))
