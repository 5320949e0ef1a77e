"""All private parts of Optuna that are used.

tests/quintet/study/test_optuna_internals.py fails if an upgrade has changed one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage


def storage_of(study: "optuna.Study") -> tuple["BaseStorage", int]:
    """Return the storage that a study writes to, including caches, and the study's id there."""
    return study._storage, study._study_id
