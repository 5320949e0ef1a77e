"""The setup of the run: data, model, config, machine, code."""

from markupsafe import Markup

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import LAYERS
from quintet.artifacts.record import PROFILE
from quintet.report.html.blocks import Block, CodeBlock, Columns, FactList, Fold, Note, Text
from quintet.report.html.figure import DIGITS, Figure, Trace, axis, log_axis
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.run_data import RATES, RunData

SIZES = {
    "std": "Standard deviation of each layer's outputs",
    "gradient": "Gradient at each layer's outputs, root mean square",
}
PARTS = {"train": "training", "val": "validation", "test": "test"}
MOST_LINES = 60
"""Number of lines of a profiler's report on the page; the slowest come first."""
SIGNS = {"pass": "✓", "warn": "!", "fail": "✗"}


def data_and_model(run: RunData) -> list[Block]:
    """Return the facts of the data and the model's layers, side by side."""
    facts = run.facts
    sizes = [f"{n:,} {name}" for part, name in PARTS.items() if (n := facts.get(f"{part}_size"))]
    values: dict[str, object] = {
        "Data": run.record.choices.get("data") or "–",
        "Task": " on ".join(str(facts[k]) for k in ("task", "kind") if facts.get(k)) or "–",
        "Samples": ", ".join(sizes) or "–",
        "Input": " × ".join(map(str, facts.get("input_shape") or [])) or "–",
        "Fingerprint": facts.get("fingerprint") or "–",
    }
    if counts := facts.get("class_counts"):
        values["Training samples"] = ", ".join(
            f"{name}: {n:,}" for name, n in zip(run.names[:20], counts, strict=False)
        )
    rows: list[list[Cell]] = [
        [name, Number(count, f"{count:,}")] for name, count in run.record.layers.items()
    ]
    if not rows:
        return [FactList(values)]
    total: list[Cell] = ["all", Number(run.record.parameters, f"{run.record.parameters:,}")]
    layers = Table("Parameters of each layer", ["layer", "parameters"], [*rows, total], shown=20)
    return [Columns([FactList(values), layers])]


def checks(run: RunData) -> list[Block]:
    """Return the findings of check.py in this folder, before training."""
    rows: list[list[Cell]] = [
        [SIGNS.get(c["verdict"], c["verdict"]), c["name"], c["seen"], c["cure"] or None]
        for c in run.checks
    ]
    blocks: list[Block] = [
        Table("Checks before training", ["", "check", "observed", "remedy"], rows)
    ]
    if untrusted_files.has(run.folder, RATES):
        table = untrusted_files.read_table(run.folder, RATES)
        with untrusted_files.understood(run.folder / RATES):
            tested = [[float(cell) for cell in row.values()][:2] for row in table]
            blocks.append(_range_test([*table[0]] if table else ["lr", "loss"], tested))
    return [*blocks, *_layers(run)]


def _layers(run: RunData) -> list[Block]:
    """Return the size of each layer's outputs and of the gradient that comes back to them."""
    if not untrusted_files.has(run.folder, LAYERS):
        return []
    table = untrusted_files.read_table(run.folder, LAYERS)
    with untrusted_files.understood(run.folder / LAYERS):
        names = [f"{row['name']} ({row['kind']})" for row in table]
        sizes = {key: [float(row[key]) for row in table] for key in SIZES}
    return [Columns([_by_layer(SIZES[key], names, values) for key, values in sizes.items()])]


def _by_layer(title: str, names: list[str], values: list[float]) -> Figure:
    dots: Trace = {
        **{"type": "scatter", "mode": "lines+markers", "x": values, "y": names},
        **{"line": {"color": "$sky", "width": 1}, "marker": {"color": "$blue", "size": 8}},
        "hovertemplate": Markup(f"%{{y}}: %{{x:{DIGITS}}}<extra></extra>"),
    }
    layout = {
        "xaxis": log_axis("at the start, one batch", values),
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
    }
    caption = "From the input at the top to the output."
    return Figure(title, [dots], layout, caption, 130 + 24 * len(names))


def _range_test(titles: list[str], rows: list[list[float]]) -> Figure:
    line: Trace = {"type": "scatter", "mode": "lines", "line": {"color": "$green", "width": 2}}
    line |= {"x": [row[0] for row in rows], "y": [row[1] for row in rows]}
    layout = {
        "xaxis": log_axis("learning rate", line["x"]),
        "yaxis": axis(titles[1]),
    }
    return Figure("Learning-rate range test (Smith 2017)", [line], layout, height=300)


def config(run: RunData) -> list[Block]:
    """Return the overrides on the command line, and the resolved config."""
    typed = " ".join(run.record.overrides) or "nothing (all defaults)"
    return [Text(typed, "Typed:"), Fold("The resolved config", [CodeBlock(run.config)])]


def profile(run: RunData) -> list[Block]:
    """Return the beginning of each report of a profiler; [] if there was none."""
    blocks: list[Block] = []
    for path in sorted(run.folder.glob(f"*-{PROFILE}.txt")):
        text = untrusted_files.read_text(run.folder, path.name)
        shown = "\n".join(text.strip().splitlines()[:MOST_LINES])
        blocks.append(Fold(path.name, [CodeBlock(shown)]))
    return blocks


def environment(run: RunData) -> list[Block]:
    """Return versions, machine and git state."""
    found = dict(run.record.environment)
    commit, dirty = found.pop("commit", None), found.pop("dirty", False)
    blocks: list[Block] = [FactList({**found, "commit": commit or "not under git"})]
    if dirty:
        text = "The code had uncommitted changes: the commit alone does not reproduce this run."
        blocks.append(Note(text, "warn"))
    return blocks
