"""An untrusted folder: nothing that its configs name is called, wherever they name it."""

import contextlib
import copy
import json
import pickle
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import ConfigAttributeError, OmegaConfBaseException

import runs
import tripwire
from quintet import api
from quintet.base import plain_yaml
from quintet.base.errors import Code, UserError
from quintet.commands.evaluation import evaluate
from quintet.commands.export import _example, export
from quintet.commands.prediction import predict
from quintet.commands.steer import steer
from quintet.comparison.differences import differences
from quintet.comparison.side import side
from quintet.config import foreign_config, references, run_folder
from quintet.config.resumed_config import resumed
from quintet.config.trust import ELSEWHERE, Trust
from quintet.ensembles.ensemble import assemble
from quintet.ensembles.reload import trained
from quintet.report.run.run_data import RunData
from quintet.report.run.setup_sections import config as shown
from quintet.training import initialization
from refusals import Refusal
from running import CONFIGS

Plain = Any
CANARY = "canary-58c1d0"
CONFIG, BEGUN = "config.yaml", ".hydra/config.yaml"
LEFT_OUT = (*ELSEWHERE, "callbacks")
FUZZ = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Evil:
    """A pickle that runs code."""

    def __reduce__(self) -> Any:
        return tripwire.fired, ("unpickled",)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a real run; tests take copies of it."""
    folder = tmp_path_factory.mktemp("stranger")
    words = ("trainer.max_epochs=1", "callbacks=[ema,timer]", "logger=tensorboard", "test=false")
    command = runs.command(folder / "run", *words)
    done = subprocess.run(
        command, env=runs.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    np.savez(folder / "new.npz", x=np.zeros((3, 1, 8, 8)))
    (folder / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    return folder


@pytest.fixture
def run(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of a run's folder, in an empty place."""
    folder = tmp_path / "sweep/trials/0000"
    shutil.copytree(real / "run", folder)
    monkeypatch.setenv("QUINTET_CANARY", CANARY)
    monkeypatch.setenv("PROJECT_ROOT", str(runs.ROOT))
    monkeypatch.chdir(tmp_path)
    tripwire.CALLS.clear()
    yield folder
    assert not tripwire.CALLS
    assert not (tmp_path / "pwned").exists()


def targets(place: Path) -> list[dict[str, Any]]:
    """Return what a hostile folder could name, each with arguments that do harm."""
    pwned, pickled = str(place / "pwned"), str(place / "evil.pkl")
    named: list[tuple[str, dict[str, Any]]] = [
        ("tripwire.fired", {}),
        ("tripwire.Fired", {"width": 3}),
        ("os.mkdir", {"path": pwned}),
        ("os.system", {"command": f"touch {pwned}"}),
        ("subprocess.run", {"args": ["touch", pwned]}),
        ("pandas.read_pickle", {"filepath_or_buffer": pickled}),
        ("torch.load", {"f": pickled, "weights_only": False}),
        ("joblib.load", {"filename": pickled}),
        ("numpy.load", {"file": pickled, "allow_pickle": True}),
        ("shutil.copyfile", {"src": pickled, "dst": pwned}),
        ("torch.nn.modules.module.warnings.warn", {"message": "fired"}),
        ("lightning.pytorch.loggers.CSVLogger", {"save_dir": pwned}),
        ("quintet.base.files.write_atomically", {"path": pwned, "content": "fired"}),
    ]
    called = [{"_target_": "builtins.exec", "_args_": ["import tripwire; tripwire.fired()"]}]
    called += [{"_target_": "pathlib.Path.write_text", "_args_": [{"_target_": "pathlib.Path",
               "_args_": [pwned]}, "fired"]}]  # fmt: skip
    return [*called, *({"_target_": path} | arguments for path, arguments in named)]


def places(value: Plain, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every place of a config, and in each mapping and list one that is new."""
    if keys:
        yield keys
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*keys, key))
        yield (*keys, "extra")
        yield (*keys, "_args_")
    if isinstance(value, list):
        for i, each in enumerate(value):
            yield from places(each, (*keys, i))
        yield (*keys, len(value))


def changed(config: Plain, keys: tuple[Any, ...], new: Plain) -> Plain:
    """Return a config with something else at a place."""
    config = copy.deepcopy(config)
    owner = config
    for key in keys[:-1]:
        owner = owner[key]
    if isinstance(owner, list) and keys[-1] == len(owner):
        owner.append(new)
    else:
        owner[keys[-1]] = new
    return config


def spelt(keys: tuple[Any, ...]) -> str:
    """Return a place as messages name it."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join(parts).removeprefix(".")


WRAPPED: dict[str, Callable[[Plain], Plain]] = {
    "itself": lambda node: node,
    "partial": lambda node: node | {"_partial_": True},
    "recursive": lambda node: node | {"_recursive_": True, "_convert_": "object"},
    "in a list": lambda node: [1, node],
    "in a dict": lambda node: {"a": {"b": node}},
    "in an argument": lambda node: {"_target_": "torch.nn.Identity", "x": node},
    "in arguments": lambda node: {"_target_": "torch.nn.Sequential", "_args_": [[node]]},
}
anything = st.tuples(
    st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(sorted(WRAPPED)), st.integers(0)
)


def commands(run: Path, real: Path) -> list[Callable[[], Any]]:
    """Return what builds a model of a folder."""
    sweep = run.parents[1]
    (sweep / "leaderboard.csv").write_text("trial,value,folder\n0,0.5,trials/0000\n")
    one = {"run": str(run), "checkpoint": "best", "output": None, "debug": False}
    new = {"input": str(real / "new.npz"), "output": str(run / "p.csv"), "batch_size": 8}
    several = {"sweep": str(sweep), "candidates": 3, "size": 3, "output": None, "test": False}
    return [
        lambda: evaluate(evaluation(run)),
        lambda: predict(OmegaConf.create(one | new)),
        lambda: api.load(run),
        lambda: export(OmegaConf.create(one | {"formats": ["torch"]})),
        lambda: assemble(OmegaConf.create(several | {"debug": False})),
    ]


@cache
def composed(name: str, *words: str) -> Any:
    """Compose a config once: that is what takes the time."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(name, overrides=[*words], return_hydra_config=True)


def evaluation(run: Path) -> Any:
    """Return what `evaluate.py run=` composes."""
    cfg = copy.deepcopy(composed("evaluate", "trainer=cpu", "paths.run=/nowhere"))
    cfg.run = str(run)
    return cfg


def resumption(run: Path, *words: str) -> Any:
    """Return what `train.py resume=` composes."""
    whole = copy.deepcopy(composed("train", "resume=x", *words))
    HydraConfig.instance().set_config(whole)
    cfg = OmegaConf.masked_copy(whole, [key for key in whole if key != "hydra"])
    cfg.resume = cfg.paths.run = str(run)
    cfg.overrides = [f"resume={run}", *words]
    return cfg


def attempted(call: Callable[[], Any]) -> tuple[Any, str]:
    """Return what a call does, and what it says where it refuses."""
    try:
        return call(), ""
    except (UserError, OmegaConfBaseException) as refusal:
        return None, str(refusal)


def plain(run: Path, name: str) -> Plain:
    """Return a copy of a config, as plain data."""
    return plain_yaml.read(run / name)


def write(run: Path, name: str, config: Plain) -> None:
    """Write a config, as JSON, which YAML can read."""
    (run / name).write_text(json.dumps(config))


def test_a_folder_that_nobody_has_touched_works(run, real):
    for command in commands(run, real):
        command()
    assert resumed(resumption(run)).model._target_ == "quintet.options.models.mlp.MLP"


@FUZZ
@given(drawn=anything)
@example(drawn=(0, 0, "itself", 0))
def test_nothing_that_a_runs_config_names_is_called(run, real, drawn):
    first, second, wrapping, third = drawn
    config = plain(real / "run", CONFIG)
    found, evil = [*places(config)], targets(run.parents[2])
    keys = found[first % len(found)]
    new = WRAPPED[wrapping](evil[second % len(evil)])
    write(run, CONFIG, changed(config, keys, new))
    each = commands(run, real)
    if keys[0] in LEFT_OUT:
        assert not {*LEFT_OUT} - {"paths"} & {*run_folder.load(run, Trust())}
        return
    with pytest.raises(UserError) as caught:
        each[third % len(each)]()
    assert spelt(keys) in str(caught.value) or f"{keys[0]} is missing" in str(caught.value)


@FUZZ
@given(drawn=anything, later=st.booleans())
def test_nothing_that_a_resumed_runs_configs_name_is_called(run, real, drawn, later):
    first, second, wrapping, _ = drawn
    begun, last = plain(real / "run", BEGUN), plain(real / "run", CONFIG)
    config = last if later else begun
    found, evil = [*places(config)], targets(run.parents[2])
    keys = found[first % len(found)]
    config = changed(config, keys, WRAPPED[wrapping](evil[second % len(evil)]))
    if later and isinstance(last.get("overrides"), list):
        word = ".".join(map(str, keys[: 1 if keys[0] == "overrides" else 3]))
        config["overrides"] = [*last["overrides"], f"{word}=1"]
    write(run, CONFIG, config if later else last)
    write(run, BEGUN, begun if later else config)
    cfg, refusal = attempted(lambda: resumed(resumption(run)))
    if cfg is None:
        assert str(keys[0]) in refusal
        return
    assert keys[0] in (*ELSEWHERE, *foreign_config.OURS) or later
    cfg.overrides = cfg.trust = []  # texts
    named = OmegaConf.to_yaml(cfg)
    assert not any(node["_target_"] in named for node in evil)


REFERENCES = [
    "${oc.env:QUINTET_CANARY}",
    "http://evil/${oc.env:QUINTET_CANARY}",
    "${ oc.env : QUINTET_CANARY }",
    "${oc.env:QUINTET_CANARY,none}",
    "${oc.decode:${oc.env:QUINTET_CANARY}}",
    "${oc.decode:'${oc.env:QUINTET_CANARY}'}",
    "${oc.select:nothing,${oc.env:QUINTET_CANARY}}",
    "${oc.create:{a:'${oc.env:QUINTET_CANARY}'}}",
    "${oc.${seed}:QUINTET_CANARY}",
    "\\\\${oc.env:QUINTET_CANARY}",
    "\\\\\\\\${oc.env:QUINTET_CANARY}",
    "${logger.tensorboard.save_dir}",
    "${sweeper.storage}",
    "${hydra:runtime.cwd}",
    "${hydra:job.env_set}",
    "${oc.dict.values:trainer}",
    "${.._target_}",
    "${oc.select:logger}",
]


@FUZZ
@given(first=st.integers(0, 10**6), text=st.sampled_from(REFERENCES), began=st.booleans())
def test_nothing_of_a_folder_sees_the_environment(run, real, first, text, began):
    name = BEGUN if began else CONFIG
    config = plain(real / "run", name)
    found = [keys for keys in places(config) if keys[0] not in ("facts",)]
    keys = found[first % len(found)]
    write(run, name, changed(config, keys, text))
    cfg, refusal = attempted(
        lambda: resumed(resumption(run)) if began else run_folder.load(run, Trust())
    )
    assert CANARY not in refusal
    if cfg is None:
        return
    cfg.pop("logger", None)
    resolved = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=False)
    assert CANARY not in json.dumps(resolved, default=str)
    if began:
        assert keys[0] in (*ELSEWHERE, *foreign_config.OURS)


LAYERS = {"_target_": "torch.nn.Sequential", "_args_": [{"_target_": "torch.nn.Flatten"}]}


def test_layers_of_a_folder_may_be_given_by_position():
    foreign_config.check({"model": LAYERS}, Trust())


def test_nothing_else_of_a_folder_is_given_by_position():
    node = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "_args_": ["val/loss"]}
    with pytest.raises(UserError) as refused:
        foreign_config.check({"callbacks": {"own": node}}, Trust())
    assert (refused.value.code, refused.value.key) == (Code.NOT_TRUSTED, "callbacks.own._args_")


def test_a_reference_in_a_text_stays_as_it_is(run):
    config = plain(run, CONFIG)
    config["facts"]["class_names"] = ["${oc.env:QUINTET_CANARY}", *map(str, range(9))]
    write(run, CONFIG, config)
    assert trained(run).cfg.facts.class_names[0] == "${oc.env:QUINTET_CANARY}"


@given(text=st.text(alphabet="\\${}:a.'\"", max_size=12))
def test_a_literal_text_reads_the_same(text):
    assert OmegaConf.create({"a": references.literal(text)}).a == text


def test_data_whose_place_is_in_the_environment_needs_a_word(run, monkeypatch):
    config = plain(run, CONFIG)
    config["data"]["path"] = "${oc.env:QUINTET_CANARY}/x.csv"
    config["data"]["_target_"] = "quintet.data.sources.tables.csv"
    write(run, CONFIG, config)
    with Refusal(Code.NOT_TRUSTED, "data.path"):
        trained(run).load()
    found = trained(run, trust=Trust.of("env:QUINTET_CANARY"))
    assert found.cfg.data.path == f"{CANARY}/x.csv"
    monkeypatch.delenv("QUINTET_CANARY")
    with Refusal(Code.MISSING_VALUE, match="no environment variable QUINTET_CANARY"):
        trained(run, trust=Trust.of("env:QUINTET_CANARY"))


def test_the_place_of_the_project_is_put_in(run):
    config = plain(run, CONFIG)
    config["data"]["x"] = "${oc.env:PROJECT_ROOT}/x"
    write(run, CONFIG, config)
    assert run_folder.load(run, Trust()).data.x == f"{runs.ROOT}/x"


def test_the_refusal_says_what_to_do_and_it_helps(run):
    config = plain(run, CONFIG)
    config["model"] = {"_target_": "tripwire.Fired"}
    write(run, CONFIG, config)
    with pytest.raises(UserError) as caught:
        run_folder.load(run, Trust())
    error = caught.value
    assert (error.code, error.key) == (Code.NOT_TRUSTED, "model._target_")
    assert error.value == "tripwire.Fired"
    assert "trust=tripwire on the command line" in error.hint
    assert 'trusted = ["tripwire"] under [tool.quintet] in pyproject.toml' in error.hint
    assert run_folder.load(run, Trust.of("tripwire")).model._target_ == "tripwire.Fired"


def test_a_folder_does_not_say_itself_what_to_trust(run):
    for name in (CONFIG, BEGUN):
        config = plain(run, name)
        config["trust"] = ["tripwire"]
        config["model"] = {"_target_": "tripwire.Fired"}
        write(run, name, config)
    with Refusal(Code.NOT_TRUSTED, "model._target_", "tripwire.Fired"):
        run_folder.load(run, Trust())
    with Refusal(Code.NOT_TRUSTED, "model._target_", "tripwire.Fired"):
        resumed(resumption(run))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("callbacks.checkpoint.dirpath", "/tmp/elsewhere"),
        ("callbacks.checkpoint.dirpath", "elsewhere"),
        ("callbacks.checkpoint.dirpath", "${paths.run}/../elsewhere"),
        ("callbacks.checkpoint.filename", "../../elsewhere"),
        ("callbacks.metrics_file.path", "${paths.run}/../metrics.csv"),
        ("callbacks.step_log.path", "/tmp/steps.csv"),
        ("callbacks.steering.folder", "/tmp"),
        ("trainer.default_root_dir", "/tmp/elsewhere"),
        ("trainer.profiler", "/tmp/elsewhere"),
    ],
)
def test_a_resumed_folder_writes_nowhere_else(run, key, value):
    config = plain(run, BEGUN)
    write(run, BEGUN, changed(config, tuple(key.split(".")), value))
    with pytest.raises(UserError) as refused:
        resumed(resumption(run))
    assert (refused.value.code, refused.value.key) == (Code.NOT_TRUSTED, key)
    cfg = resumed(resumption(run, f"{key}=/tmp/meant"))
    assert OmegaConf.select(cfg, key) == "/tmp/meant"


@pytest.mark.parametrize(
    "name",
    [
        "{epoch].backward.__globals__[torch].os.environ[QUINTET_CANARY}",
        "..{epoch].backward.__globals__[torch].os.__dict__[sep}..x",
        "{epoch.__class__}",
        "{epoch:999999999d}",
        "{epoch:{step}}",
    ],
)
def test_a_checkpoints_name_tells_nothing_but_metrics(run, name):
    config = plain(run, BEGUN)
    keys = ("callbacks", "checkpoint", "filename")
    write(run, BEGUN, changed(config, keys, name))
    with Refusal(Code.NOT_TRUSTED, "callbacks.checkpoint.filename"):
        resumed(resumption(run))
    write(run, BEGUN, changed(config, keys, "{epoch:02d}-{step}"))
    assert resumed(resumption(run)).callbacks.checkpoint.filename == "{epoch:02d}-{step}"


def test_a_foreign_cache_is_not_written_to(run):
    config = plain(run, CONFIG)
    config["data"]["cache"] = "/tmp/elsewhere"
    write(run, CONFIG, config)
    assert run_folder.load(run, Trust()).data.cache is None


def test_a_resumed_folder_does_not_say_whom_to_tell(run):
    assert set(resumed(resumption(run)).logger) == {"tensorboard"}
    config = plain(run, BEGUN)
    evil = "http://evil/${oc.env:QUINTET_CANARY}"
    config["logger"] = {
        "mlflow": {"_target_": "quintet.trackers.mlflow.MLflow", "tracking_uri": evil}
    }
    write(run, BEGUN, config)
    with Refusal(Code.NOT_TRUSTED, match=r"logger=\[mlflow\].*trust=logger") as caught:
        resumed(resumption(run))
    assert CANARY not in str(caught.value)
    assert not resumed(resumption(run, "logger=none")).logger
    assert set(resumed(resumption(run, "logger=mlflow")).logger) == {"mlflow"}
    assert set(resumed(resumption(run, "trust=[logger]")).logger) == {"mlflow"}


STEERED = {"optimizer": {"lr": 0.1, "momentum": None, "weight_decay": None}, "pause": None}
STEERED |= {"stop": None, "checkpoint": None, "wait": 0}


def test_a_config_of_any_shape_is_read_or_refused(run):
    """By commands that only look at it, and so ask nothing of its shape beforehand."""
    whole, sound = plain(run, CONFIG), side(str(run), "a")
    for key in whole:
        for odd in (None, "x", [1], 3, {"y": {}}, ...):
            changed = whole | {key: odd}
            write(run, CONFIG, {k: v for k, v in changed.items() if v is not ...})
            for look in (
                lambda: steer(OmegaConf.create({"run": str(run), **STEERED})),
                lambda: differences(sound, side(str(run), "b")),
            ):
                with contextlib.suppress(UserError, ConfigAttributeError):
                    look()


def test_no_hint_to_be_copied_holds_a_shells_words_of_a_folder(run):
    config = plain(run, BEGUN)
    evil = {"_target_": "os.system", "entity": "x;id", "key": "${oc.env:QUINTET_CANARY}", "a b": 1}
    config["logger"] = {"wandb": evil | {"notes": "$(id)"}}
    write(run, BEGUN, config)
    with pytest.raises(UserError) as caught:
        resumed(resumption(run))
    hint = caught.value.hint
    assert "logger.wandb.entity" in hint
    words = hint.split("instance as ")[1].split(" (words")[0]
    assert shlex.join(shlex.split(words)) == words  # nothing for a shell to run
    for left_out in ("os.system", "oc.env", "a b"):
        assert left_out not in hint


@pytest.mark.parametrize("target", ["a;id.Net", "$(id).Net", "torch`id`.Net", "a b.Net"])
def test_what_is_not_a_name_of_code_is_not_offered_as_one_to_trust(run, target):
    config = plain(run, CONFIG)
    config["model"]["_target_"] = target
    write(run, CONFIG, config)
    with pytest.raises(UserError) as caught:
        run_folder.load(run, Trust())
    assert caught.value.code is Code.NOT_TRUSTED
    assert "trust=" not in caught.value.hint


@pytest.mark.parametrize(
    "laughs",
    [
        {"a": "${b}${b}${b}${b}"},
        {f"a{i}": f"${{model.a{i + 1}}}${{model.a{i + 1}}}" for i in range(40)},
        {"a": "${model.a}"},
        {"a": ["${model.a.1}${model.a.1}", *[f"${{model.a.{i}}}" * 2 for i in range(2, 40)], "x"]},
        {"a": "${model}"},
    ],
)
def test_references_that_grow_are_refused(run, laughs):
    config = plain(run, BEGUN)
    config["model"] |= laughs
    write(run, BEGUN, config)
    with pytest.raises(UserError, match=r"model\.a"):
        resumed(resumption(run))


def test_reports_and_comparisons_build_nothing(run, real):
    config = plain(run, CONFIG)
    for i, node in enumerate(targets(run.parents[2])):
        config["model"][f"evil_{i}"] = node | {"text": "${oc.env:QUINTET_CANARY}"}
    write(run, CONFIG, config)
    found = RunData.read(run)
    assert CANARY not in str(shown(found))
    told = differences(side(str(run), "a"), side(str(real / "run"), "b"))
    assert CANARY not in str(told)
    cfg = resumption(run, "trust=[]")
    cfg.model.weights = str(run)
    cfg.facts.fingerprint = config["facts"]["fingerprint"]
    initialization.seen_before(cfg, ordered=False)


@pytest.mark.parametrize("name", [CONFIG, BEGUN, ".hydra/hydra.yaml"])
@pytest.mark.parametrize("text", ["a: &a [*a, *a]", "- 1", "", "a: " + "[" * 100_000, "facts: 3"])
def test_a_file_that_is_not_a_config_is_refused(run, name, text):
    (run / name).write_text(text)
    with pytest.raises(UserError):
        run_folder.load(run, Trust()) if name == CONFIG else resumed(resumption(run))


def test_a_folder_of_an_earlier_version_evaluates(run):
    """Its config names classes and functions where they were then."""
    from quintet.config.renamed_targets import MOVED

    text = (run / CONFIG).read_text()
    for before, now in MOVED.items():
        text = text.replace(f" {now}", f" {before}")
    (run / CONFIG).write_text(text)
    assert "quintet.models.mlp.MLP" in text
    assert "quintet.metrics.accuracy" in text
    assert trained(run).cfg.model._target_ == "quintet.options.models.mlp.MLP"


def test_nothing_of_a_source_runs_text_gets_into_advice(run):
    config = plain(run, CONFIG)
    config["data"]["val"] = "0.2; touch pwned"
    write(run, CONFIG, config)
    cfg = run_folder.load(run, Trust())
    cfg.model.weights, cfg.data.seed, cfg.data.val = str(run), 7, 0.2
    assert "pwned" not in str(initialization.seen_before(cfg, ordered=False))


FACTS = [
    ("input_shape", ["${oc.env:QUINTET_CANARY}"]),
    ("input_shape", [-1]),
    ("input_shape", 3),
    ("num_classes", -2),
    ("class_names", [{"_": 1}]),
    ("class_counts", {"a": 1}),
    ("cardinalities", [2] * 99),
    ("cardinalities", ["2"]),
    ("task", 3),
    ("kind", ["tokens"]),
    ("vocabulary", "many"),
    ("fingerprint", [1]),
]


@pytest.mark.parametrize(("fact", "value"), FACTS)
def test_facts_that_are_none_are_refused_by_name(run, fact, value):
    """By the one door through which every command builds the model of a folder."""
    config = plain(run, CONFIG)
    config["facts"][fact] = value
    write(run, CONFIG, config)
    with pytest.raises(UserError, match=fact) as refused:
        run_folder.load(run, Trust())
    assert refused.value.code is Code.DAMAGED


@pytest.mark.parametrize("facts", [{"kind": "tokens", "vocabulary": 0}, {"input_shape": [10**15]}])
def test_an_export_of_facts_that_describe_no_samples_is_one_refusal(run, facts):
    config = plain(run, CONFIG)
    shown = trained(run)
    shown.cfg.facts = config["facts"] | facts
    with Refusal(Code.DAMAGED, match=r"config\.yaml"):
        _example(shown)


UNHEARD_OF = ("unheard_of.Thing", "unheard_of.inner.thing")


@pytest.mark.parametrize("group", ["module", "data", "model", "metric", "loss", "facts"])
def test_what_a_folder_names_is_not_even_imported(run, real, group, monkeypatch):
    """Nor by commands that ask what a module takes: to import code is to run it."""
    place = run.parents[2] / "importable"
    (place / "unheard_of").mkdir(parents=True)
    for name in ("__init__", "inner"):
        wire = "import tripwire; tripwire.fired(__name__)\nclass Thing: pass\nthing = Thing"
        (place / "unheard_of" / f"{name}.py").write_text(wire)
    monkeypatch.syspath_prepend(str(place))
    config, begun = plain(run, CONFIG), plain(run, BEGUN)
    for target in UNHEARD_OF:
        node = (config.get(group) or {}) | {"_target_": target}
        write(run, CONFIG, config | {group: node})
        write(run, BEGUN, begun | {group: node})
        for command in commands(run, real):
            with pytest.raises(UserError):
                command()
        shown(RunData.read(run))
        differences(side(str(run), "a"), side(str(real / "run"), "b"))
        attempted(lambda: resumed(resumption(run)))
    assert not [name for name in sys.modules if name.startswith("unheard_of")]


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "lightning.pytorch.demos.boring_classes.BoringDataModule"},
        {"_target_": "lightning.pytorch.LightningDataModule"},
        {"_target_": "quintet.data.lightning_data.LightningData", "datamodule": None, "seed": 1},
        {"_target_": "quintet.data.loading.disk.image_folder", "path": "/", "cache": "/tmp/pwned"},
        {"_target_": "quintet.data.sources.token_files.TokenFiles", "path": "/etc"},
        {"_target_": "quintet.data.sources.token_files.TokenFiles", "path": "http://evil/x"},
        {"_target_": "quintet.data.sources.tables.csv", "path": "http://evil/x.csv", "target": "a"},
        {"_target_": "quintet.data.sources.tables.csv", "path": "s3://evil/x.csv", "target": "a"},
        {"_target_": "quintet.data.sources.tables.csv", "path": "/dev/zero", "target": "a"},
    ],
    ids=lambda node: f"{node['_target_']} {node.get('path', '')}",
)
def test_the_data_of_a_folder_is_read_from_a_local_file_or_refused(run, node, monkeypatch):
    def connect(*arguments: Any) -> None:
        pytest.fail(f"it connects to {arguments[1:]}")

    monkeypatch.setattr("socket.socket.connect", connect)
    monkeypatch.setattr("socket.getaddrinfo", connect)
    config = plain(run, CONFIG)
    write(run, CONFIG, config | {"data": node})
    with pytest.raises(UserError):
        trained(run).load()
