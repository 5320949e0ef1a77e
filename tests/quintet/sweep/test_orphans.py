"""A process whose parent is killed while it is being started, before it can ask to be told."""

import sys

import pytest
from family import start, state, wait_for_none
from hold import SRC, environment, let_go, wait_for, wait_for_it
from parent import HERE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
SWEEP = (
    "import sys; from pathlib import Path; from parent import *; from quintet.sweep.fork import *;"
    "chosen = plan(Path(sys.argv[1]), swept(x=[1]), fixed=('sleep=1000',));"
    "loop(chosen, start=Server(['json']).start).run()"
)
READ = (
    "from types import SimpleNamespace; import torch;"
    "from quintet.data.loading.disk import Prefetch, disk_loader;"
    "from quintet.data.loading.loader import TensorLoader; x = torch.arange(9);"
    "rows = SimpleNamespace(read=lambda index: index);"
    "list(disk_loader(rows, TensorLoader(x, x, 3), torch.clone, Prefetch(1)))"
)
TRAIN = SRC / "train.py"
CASES = {
    "a forked trial": ("forked", ["-c", SWEEP, "{}"]),
    "a trial": ("objective.py", [HERE / "parent.py", "{}", "1", "1", "1000"]),
    "a loader's worker": ("forked", ["-c", READ]),
    "an inspection of the data": (
        "forked",
        [TRAIN, "-m", "hydra.sweep.dir={}", "sweeper.look=true", "seed=1,2"],
    ),
    "another rank": (
        "rank 1",
        [TRAIN, "hydra.run.dir={}", "trainer=ddp_cpu", "trainer.max_epochs=100000"],
    ),
}


@pytest.mark.parametrize("who", CASES)
def test_who_is_born_as_its_parent_is_killed_ends_at_once(tmp_path, who):
    whom, words = CASES[who]
    folder = tmp_path / "sweep"
    command = [sys.executable, *(str(word).replace("{}", str(folder)) for word in words)]
    given = {**environment(tmp_path, whom), "TMPDIR": str(tmp_path)}
    parent = start(command, tmp_path, env=given)
    pid = wait_for_it(tmp_path, parent)
    _, starter = state(pid)
    parent.kill()
    parent.wait()
    wait_for(lambda: state(pid)[1] != starter)
    assert state(pid)[0] != "Z", "it is still to be told"
    let_go(tmp_path)
    wait_for_none(tmp_path)
    begun = [*folder.glob("trials/ran"), *tmp_path.glob("tmp*/.hydra")]
    assert not begun, "it went on without its parent"
