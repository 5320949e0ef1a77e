"""What is specific to this preset; test_contract.py tests the rest."""

from quintet.testing import SHORT, composed, ran


def test_it_makes_its_choices(tmp_path):
    cfg = composed(tmp_path, "experiment=new_option")
    assert cfg.metric.name == "f1"
    assert (cfg.optimizer.lr, cfg.model.width) == (0.003, 64)


def test_the_command_line_has_the_last_word(tmp_path):
    cfg = composed(tmp_path, "experiment=new_option", "optimizer.lr=0.01", "metric=accuracy")
    assert (cfg.metric.name, cfg.optimizer.lr) == ("accuracy", 0.01)


def test_it_learns(tmp_path):
    record = ran(tmp_path, "experiment=new_option", *SHORT, "trainer.limit_train_batches=null")
    assert record.metric.value is not None
    assert record.metric.value > 0.6  # in one epoch; guessing the larger class gives 0.39
