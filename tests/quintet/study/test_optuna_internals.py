"""The private parts of Optuna that we use do what they are used for."""

import numpy as np
import optuna

from quintet.study.optuna_internals import hypervolume, ranks, storage_of


def test_a_study_tells_its_storage_and_its_id():
    study = optuna.create_study(study_name="s")
    storage, number = storage_of(study)
    assert isinstance(storage, optuna.storages.BaseStorage), "Study._storage has changed"
    assert storage.get_study_name_from_id(number) == "s", "Study._study_id has changed"


def test_points_are_sorted_into_fronts():
    points = np.array([[1.0, 4], [2, 2], [3, 3], [4, 1], [2, 2]])
    assert ranks(points).tolist() == [0, 0, 1, 0, 0], "_fast_non_domination_rank has changed"


def test_the_volume_is_that_below_the_reference():
    points = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert hypervolume(points, np.ones(2)) == 0.75, "compute_hypervolume has changed"
