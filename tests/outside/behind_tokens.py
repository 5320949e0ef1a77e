"""Data behind a token, which it notes and repeats wherever Lightning lets it."""

from typing import Any

from outside.template_style import DigitsDataModule


class Hub(DigitsDataModule):
    def __init__(self, hf_token: str, url: str, **more: Any) -> None:
        super().__init__(**more)
        assert "${" not in hf_token + url, "it is given the secrets themselves"
        self.save_hyperparameters()
        self.facts = {"source": url, "tokens": [hf_token]}

    def state_dict(self) -> dict[str, Any]:
        return {"source": self.hparams.url, "all": [{"of": (self.hparams.hf_token,)}]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        assert state_dict
