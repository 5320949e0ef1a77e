"""A sweep's trials as Optuna's, for its samplers and pruners."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

    from quintet.study.space import Space
    from quintet.study.trial import Trial


def frozen(
    trials: "Sequence[Trial]", space: "Space | None" = None
) -> "list[optuna.trial.FrozenTrial]":
    """Return trials as Optuna has them.

    Args:
        trials: with valid params, if there is a space.
        space: of their params; None to leave these out.

    """
    from optuna.trial import FrozenTrial, TrialState

    class Fresh(FrozenTrial):
        """A trial that is not copied on access; copying would take most of a suggestion's time."""

        def __deepcopy__(self, memo: object) -> "Fresh":
            return self

    states = {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    known = {p.key: (p, p.distribution()) for p in (space.parameters if space else ())}
    now = datetime.now()
    return [
        Fresh(
            number=trial.number,
            trial_id=trial.number,
            state=states.get(trial.state, TrialState.RUNNING),
            value=trial.value if trial.state != "running" else None,
            datetime_start=now,
            datetime_complete=now if trial.state != "running" else None,
            params={k: known[k][0].to_optuna(v) for k, v in trial.params.items() if k in known},
            distributions={key: known[key][1] for key in trial.params if key in known},
            user_attrs={},
            system_attrs={},
            intermediate_values=trial.reports,
        )
        for trial in trials
    ]
