"""What a data option brings gives way to the command line; `quintet.testing` tests each of them."""

from running import composed


def test_the_command_line_wins_over_the_data_set(tmp_path):
    cfg = composed(tmp_path, "data=diabetes", "metric=mae", "loss=huber")
    assert (cfg.metric.name, cfg.loss._target_) == ("mae", "torch.nn.HuberLoss")


def test_the_defaults_stay_where_the_data_set_says_nothing(tmp_path):
    assert composed(tmp_path, "data=wine").metric.name == "accuracy"
