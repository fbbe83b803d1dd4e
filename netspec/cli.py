"""The command line: thin commands, each of which imports what it needs when it runs."""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TextIO

import typer
from typer.core import TyperCommand

from netspec.api import MAX_LOSS
from netspec.text.diagnostics import NetspecError, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netspec.bench.forms import Named
    from netspec.bench.subject import Subject
    from netspec.network import Network
    from netspec.runs.folder import Run
    from netspec.text.override import Override

app = typer.Typer(
    name="netspec",
    help="Describe a neural network in YAML; train it on Keras or PyTorch; export it to ONNX.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

QuantizationName = Literal["int8", "fp16"]
ResizeName = Literal["stretch", "pad", "crop"]

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec, a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Set a value of the spec."),
]
RunArgument = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="A run's folder; without it, the newest run.")
]
RunsOption = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="The folder that holds the runs.")
]


def _checked_device(name: str) -> str:
    from netspec.backend.devices import parse_device

    parse_device(name)
    return name


DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        callback=_checked_device,
        help="Where to compute: auto, cpu, cuda, cuda:N for one of several GPUs, or tensorrt.",
    ),
]
PassesOption = Annotated[
    str | None,
    typer.Option(
        "--passes",
        metavar="PASSES",
        help="The optimizations: all, none, names with commas, or -NAME for all but one.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="The npz file, or the folder of the files, instead of those that the spec names.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        from importlib.metadata import version

        print(f"netspec {version('netspec')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Describe a neural network in YAML; train it on Keras or PyTorch; export it to ONNX."""


@app.command()
def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Specs, YAML files.")],
    set_: SetOption = None,
    expanded: Annotated[
        bool,
        typer.Option("--expanded", help="Print the spec without variables, blocks and repetition."),
    ] = False,
) -> None:
    """Validate specs and infer their shapes; show every fault at its place, and the variables."""
    from netspec.language.expansion import variables
    from netspec.language.spec import flow, resolved
    from netspec.network import build, overridden

    if expanded and len(specs) > 1:
        raise NetspecError("--expanded prints one spec", "name one file")
    overrides, failed = _overrides(set_), 0
    for path in specs:
        try:
            source = overridden(path, overrides)
            network = build(source, path.parent)
        except NetspecError as error:
            _show(error)
            sys.stderr.write("\n")
            failed += 1
            continue
        if expanded:
            _print_source(resolved(network.spec))
            continue
        parameters = sum(node.parameters for node in network.graph.nodes)
        print(f"{path}: {len(network.graph.nodes)} layers, {parameters:,} parameters, no faults")
        for name, value in variables(source).items():
            print(f"  {name}: {flow(value)}")
    if failed:
        raise typer.Exit(1)


@app.command()
def summary(spec: SpecFile, set_: SetOption = None, json_: JsonOption = False) -> None:
    """Print the parameter table of a spec, without loading a framework."""
    from netspec.graph.summary import summarize, table, totals
    from netspec.language.layers import written

    result = summarize(_network(spec, _overrides(set_)).graph)
    if json_:
        _print_json(result.to_json())
        return
    inputs = ", ".join(f"{name} {written(shape)}" for name, shape in result.inputs.items())
    print(f"{result.name}: {inputs}")
    print(table(result))
    print()
    for name, figure in totals(result):
        print(f"{name:15}{figure}")


@app.command("compile")
def compile_(
    spec: SpecFile,
    backend: Annotated[str, typer.Option(help="keras or torch.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to a file.")
    ] = None,
    set_: SetOption = None,
    passes: PassesOption = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what the optimizations change in the module.")
    ] = False,
) -> None:
    """Print the module that a spec compiles to; it runs without netspec."""
    from netspec.api import difference, to_source

    network = _network(spec, _overrides(set_), passes)
    source = difference(network, backend) if diff else to_source(network, backend)
    if output is None:
        _print_source(source)
        return
    from netspec.text.files import write_atomically

    write_atomically(output, source.encode())
    print(f"Wrote {output}", file=_beside(output))


class _TrainCommand(TyperCommand):
    """A command whose option --resume has a value or none, which typer does not know."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: typer's own click
        return super().parse_args(ctx, list(_with_values(args)))


def _with_values(args: Sequence[str]) -> Iterator[str]:
    """The arguments, with an empty value for a --resume that no run follows."""
    for arg, following in pairwise([*args, "--"]):
        named = not following.startswith("-") and not following.endswith((".yaml", ".yml"))
        yield f"{arg}=" if arg == "--resume" and not named else arg


@app.command(cls=_TrainCommand)
def train(
    spec: SpecFile,
    backend: Annotated[str, typer.Option(help="keras or torch.")],
    epochs: Annotated[int | None, typer.Option(help="Instead of the spec's epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the spec's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the spec's seed.")] = None,
    device: DeviceOption = "auto",
    set_: SetOption = None,
    passes: PassesOption = None,
    runs: RunsOption = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="[RUN]",
            help="Go on with a run; without a name, with the newest run of exactly this spec.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="What the data may take, as in 2GiB; larger data are read as they are needed. "
            "Without it, half of what there is.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not train on data that are suspicious.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Train a spec into a new run folder; test it at the end."""
    given = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    network = _network(spec, _overrides(set_) + _training_overrides(given), passes)
    from netspec.data.memory import bytes_of
    from netspec.runs.progress import Terminal
    from netspec.runs.training import train as run_training

    most = bytes_of(memory) if memory else None
    progress = Terminal()
    try:
        run = run_training(
            network,
            backend,
            device=device,
            runs=runs,
            resume=Path(resume) if resume else resume is not None,
            memory=most,
            strict=strict,
            data=data,
            progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        remedy = " Go on from the last complete epoch with --resume." if progress.run else ""
        sys.stderr.write(f"\nStopped.{remedy}\n")
        raise typer.Exit(130) from None
    finally:
        progress.close()
    names = sorted(path.name for path in run.path.iterdir() if path.name[0] != ".")
    print(f"Wrote {run.path}: {', '.join(names)}")


@app.command()
def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN_OR_ONNX]",
            help="A run's folder or an exported ONNX file; without it, the newest run.",
        ),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="keras, torch or onnx; without it, the run's own.")
    ] = None,
    device: DeviceOption = "auto",
    data: DataOption = None,
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Test a run on any backend, or an exported ONNX file on ONNX Runtime."""
    from netspec.runs.evaluation import evaluate_file, evaluate_run
    from netspec.runs.exported import is_exported

    if run is not None and is_exported(run):
        if backend not in (None, "onnx"):
            message = f"{run} is an ONNX file, and --backend {backend} cannot run it"
            raise NetspecError(message, "leave --backend out, or give the run")
        subject, done = run, evaluate_file(run, device, data)
    else:
        chosen = _run(runs, run)
        subject, done = chosen.path, evaluate_run(chosen, backend, device, data)
    _show_remarks(done.remarks)
    if json_:
        about = {"run": str(subject), "backend": done.backend, "device": done.device}
        _print_json(about | {"images": done.images} | done.figures)
        return
    about = f"{subject} with {done.backend} on {done.device}"
    print(f"{about}: {done.images:,} images, {done.seconds:.1f} s")
    print(done.table())


@app.command()
def export(
    run: RunArgument = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX, the one format.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Without it, model.onnx in the run."),
    ] = None,
    opset: Annotated[int | None, typer.Option(help="The version of ONNX's operators.")] = None,
    raw_input: Annotated[
        bool, typer.Option("--raw-input", help="Take uint8 pixels and divide them in the graph.")
    ] = False,
    quantize: Annotated[
        QuantizationName | None,
        typer.Option(help="A smaller file, tested beside the float32 model."),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option(
            metavar="FRACTION",
            help="What accuracy it may lose; without accuracy, how much of its loss it may add.",
        ),
    ] = MAX_LOSS,
    force: Annotated[bool, typer.Option("--force", help="Write it whatever it loses.")] = False,
    passes: PassesOption = None,
    data: DataOption = None,
    runs: RunsOption = Path("runs"),
) -> None:
    """Write a run as ONNX, compared with what its backend predicts.

    int8 is calibrated on training examples, with a scale for every channel of the weights; fp16
    keeps float32 inputs and outputs. Both need the data set.
    """
    if not onnx:
        raise NetspecError("no format was named", "write: netspec export --onnx")
    chosen = _run(runs, run)
    _show_remarks(chosen.remarks)
    from netspec.graph.summary import in_bytes
    from netspec.runs.export import export as export_run

    done = export_run(
        chosen,
        output,
        opset=opset,
        raw_input=raw_input,
        passes=_passes(passes),
        data=data,
        quantize=quantize,
        max_loss=max_loss,
        force=force,
    )
    _show_remarks(done.remarks)
    sizes, out = ", ".join(str(size) for size in done.batches), _beside(done.path)
    print(f"Wrote {done.path} ({in_bytes(done.size)}) from {chosen.path}", file=out)
    of = "Largest difference of the float32 model" if done.quantized else "Largest difference"
    print(f"{of} from {done.backend} at batches of {sizes}: {done.difference:.1e}", file=out)
    if done.quantized:
        print(done.quantized.table(), file=out)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="An ONNX file or a run.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="PNG or JPEG files.")],
    device: DeviceOption = "auto",
    invert: Annotated[bool, typer.Option("--invert", help="Change light and dark first.")] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Only resize images of digits; do not prepare them.")
    ] = False,
    resize: Annotated[
        ResizeName | None,
        typer.Option(help="How an image is made to fit; without it, as the spec says."),
    ] = None,
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Predict for image files through ONNX Runtime: classes, labels or values.

    An image is turned as its camera says, and made grey for a network of one channel (RGB for
    three). Transparent pixels are paper. For the data sets mnist and digits an image is prepared as
    theirs were: dark ink on light paper is inverted, the ink is cropped, scaled and centred. Other
    images are stretched, padded or cropped to the network's height and width.
    """
    from netspec.runs.prediction import predict as predict_images
    from netspec.text.files import is_file

    chosen = model if is_file(model) else _run(runs, model)
    predictions = predict_images(
        chosen, images, device=device, invert=invert, as_is=as_is, resize=resize
    )
    _show_remarks([*dict.fromkeys(note for each in predictions for note in each.notes)])
    if json_:
        from dataclasses import asdict

        _print_json([asdict(prediction) for prediction in predictions])
        return
    width = max(len(prediction.file) for prediction in predictions)
    for each in predictions:
        print(f"{each.file:{width}}  {visible(str(each))}")


@app.command()
def bench(
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC_OR_RUN_OR_ONNX",
            help="A spec, a YAML file; a run's folder; or an exported ONNX file.",
        ),
    ],
    batch_sizes: Annotated[
        str, typer.Option(metavar="N,…", help="How many inputs a call gets.")
    ] = "1,32,256",
    forms: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Without it, all that are installed.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="The time of each measurement.")] = 2.0,
    device: DeviceOption = "auto",
    set_: SetOption = None,
    passes: PassesOption = None,
    runs: RunsOption = Path("runs"),
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it too: a name that ends in .png, .svg or .pdf."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Measure how fast every form of a network predicts on this machine.

    The forms are those of the backends: keras, torch, torch-compiled, onnx, onnx-fp16, onnx-int8.
    Each is measured in a separate process. A spec has the initial weights of its seed and gets
    random inputs; a run gets its test images. An ONNX file is measured unchanged, on the test
    images that its spec names. Exits with status 1 where no form could be measured.
    """
    from netspec import bench as room
    from netspec.bench.measure import steps
    from netspec.bench.progress import Terminal
    from netspec.bench.table import table

    sizes = room.batch_sizes(batch_sizes)
    chosen, left_out = _forms(subject, forms)
    settings = room.Settings(sizes, chosen, room.seconds(seconds), device)
    if plot is not None:
        room.check_plot(plot)
    measured = _subject(subject, runs, _overrides(set_), passes, sizes[-1])
    try:
        with Terminal(steps(len(chosen), len(sizes))) as progress:
            done = room.bench(measured, settings, left_out, progress)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        raise typer.Exit(130) from None
    _show_remarks(done.remarks)
    if json_:
        _print_json(done.to_json())
    else:
        print(f"{done.title}: {done.origin}")
        print(table(done.rows))
        for line in left_out:
            print(line)
    if plot is not None:
        from netspec.bench.plot import draw

        draw(done, plot)
        if not json_:
            print(f"Wrote {plot}")
    if all(isinstance(row.result, str) for row in done.rows):
        raise typer.Exit(1)


@app.command()
def backends(json_: JsonOption = False) -> None:
    """List the backends: whether they are installed, which version, which devices.

    Below the table are the installed packages that overwrite each other's files, such as the
    libraries of two CUDA versions, and what to do about them.
    """
    from importlib.metadata import distributions

    from netspec.backend import listing
    from netspec.backend.environment import find_conflicts

    rows, conflicts = listing(), find_conflicts(distributions())
    if json_:
        from dataclasses import asdict

        environment = {"conflicts": [asdict(conflict) for conflict in conflicts]}
        _print_json([row | environment for row in rows])
        return
    for row in rows:
        frameworks = ", ".join(f"{name} {at or 'missing'}" for name, at in row["versions"].items())
        devices = ", ".join(row["devices"]) or f"pip install 'netspec[{row['name']}]'"
        print(f"{row['name']:8}{frameworks:42}{devices}")
    for conflict in conflicts:
        print(f"\n{conflict}")


@app.command()
def layers(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A layer.")] = None,
) -> None:
    """List the vocabulary, or show a layer's fields, defaults and formula."""
    from netspec.language.vocabulary import describe, overview

    print(overview() if name is None else describe(name))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the language, for editors."""
    from netspec.language.vocabulary import json_schema

    _print_json(json_schema())


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The network's name.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write NAME.yaml, a commented spec that trains as it stands."""
    from netspec.language.template import write_new

    path = write_new(name, force=force)
    print(f"Wrote {path}. Train it with: netspec train {path} --backend keras")


def _network(path: Path, overrides: list[Override], passes: str | None = None) -> Network:
    from netspec.network import load

    network = load(path, overrides)
    return network if passes is None else replace(network, passes=_passes(passes))


def _passes(text: str | None) -> frozenset[str] | None:
    from netspec.passes import chosen

    return None if text is None else chosen(text)


def _subject(
    given: Path, runs: Path, overrides: list[Override], passes: str | None, count: int
) -> Subject:
    """What a user names to be measured, with inputs for `count` examples."""
    from netspec.bench.subject import find_run, of_file, of_run, of_spec
    from netspec.runs.exported import is_exported
    from netspec.text.files import is_file

    if is_exported(given):
        if overrides or passes is not None:
            message = f"{given} is an ONNX file, and --set and --passes change specs"
            raise NetspecError(message, "give the spec or the run instead")
        return of_file(given, count)
    if is_file(given) or given.suffix in {".yaml", ".yml"}:
        return of_spec(_network(given, overrides, passes), count)
    run = find_run(runs, given)
    if overrides:
        raise NetspecError(f"{run.path} is a run, and --set changes specs", "give the spec instead")
    return of_run(run, _passes(passes), count)


def _forms(subject: Path, forms: str | None) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """The forms in which a subject is measured, and the lines about those that are left out."""
    from netspec import bench as room
    from netspec.bench.forms import of_file
    from netspec.runs.exported import is_exported

    if not is_exported(subject):
        return room.chosen_forms(forms)
    if forms is not None:
        message = f"{subject} is an ONNX file, which has one form"
        raise NetspecError(message, "leave --forms out, or give the spec or the run")
    return (of_file(subject),), ()


def _overrides(settings: list[str] | None) -> list[Override]:
    from netspec.text.override import Override

    overrides: list[Override] = []
    for setting in settings or []:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            message = f"--set {setting} is not of the form KEY.PATH=VALUE"
            raise NetspecError(message, "for example --set train.optimizer.adam.learning_rate=0.01")
        overrides.append(Override(f"--set {setting}", path, value))
    return overrides


def _training_overrides(given: dict[str, int | None]) -> list[Override]:
    from netspec.text.override import Override

    return [
        Override(f"--{name.replace('_', '-')} {value}", f"train.{name}", str(value))
        for name, value in given.items()
        if value is not None
    ]


def _run(runs: Path, chosen: Path | None) -> Run:
    from netspec.runs.folder import find

    return find(runs, chosen)


def _print_source(text: str) -> None:
    """Print a spec or a module: in UTF-8, as their files are, whatever the terminal's encoding."""
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)


def _print_json(data: Any) -> None:  # Any: JSON data
    print(json.dumps(data, indent=2))


def _beside(output: Path) -> TextIO:
    """Where lines about an output go: to stderr where it may be what stdout leads to."""
    from netspec.text.files import is_stream

    return sys.stderr if is_stream(output) else sys.stdout


def _show_remarks(remarks: Sequence[str]) -> None:
    for remark in remarks:
        sys.stderr.write(f"note: {visible(remark)}\n")


def _show(error: NetspecError) -> None:
    sys.stderr.write(f"{error}\n")


def main() -> NoReturn:
    """Run the command line; a fault of the user's ends it with a message and status 1."""
    _open_streams()
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")  # a terminal may know no more than ASCII
    gc.set_threshold(50_000)  # what is imported stays: looking through it takes 10 ms a command
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # of libraries: users get errors and notes
        status = _status()
    sys.exit(status)


def _status() -> int:
    """The status that a command ends with."""
    try:
        try:
            app(prog_name="netspec")
        finally:
            sys.stdout.flush()
    except NetspecError as error:
        _show(error)
    except BrokenPipeError:
        _drop_output()
        sys.stderr.close()
    except MemoryError:
        help = "close other programs, or make the network, the batches or the data smaller"
        _show(NetspecError("the memory of this machine is not enough", help))
    except OSError as error:
        _drop_output()
        at = error.filename or "the output"
        _show(NetspecError(f"{at} cannot be read or written: {error.strerror or error}"))
    else:
        return 0
    return 1


def _open_streams() -> None:
    """Open standard streams that are closed: the next file would get their numbers, and outputs."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w" if number else "r", encoding="utf-8"))  # noqa: SIM115 - until the end


def _drop_output() -> None:
    """Leave out what stdout has not taken: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
