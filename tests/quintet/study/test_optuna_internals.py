"""What of Optuna is used beside its public interface does what it is used for."""

import optuna

from quintet.study.optuna_internals import storage_of


def test_a_study_tells_its_storage_and_its_id():
    study = optuna.create_study(study_name="s")
    storage, number = storage_of(study)
    assert isinstance(storage, optuna.storages.BaseStorage), "Study._storage has changed"
    assert storage.get_study_name_from_id(number) == "s", "Study._study_id has changed"
