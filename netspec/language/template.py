"""A commented spec to start from."""

from __future__ import annotations

import re
from pathlib import Path

from netspec.text.diagnostics import NetspecError, nearest
from netspec.text.files import is_file, write_atomically
from netspec.text.writer import flow

TEMPLATE = """\
# A network for scikit-learn's 8x8 digits. `netspec check` validates it, `netspec summary` prints
# its parameter table, `netspec train` trains it in seconds.
netspec: 1                      # the version of the language
name: {name}

input: [8, 8, 1]                # height, width, channels; the batch axis is never written

# The layers in their order, under Keras's names. `netspec layers` lists them all.
layers:
  - Conv2D: {{filters: 32, kernel_size: 3, padding: same, activation: relu}}
  - MaxPooling2D: {{pool_size: 2}}
  - Conv2D: {{filters: 64, kernel_size: 3, padding: same, activation: relu}}
  - Flatten
  - Dropout: {{rate: 0.25}}
  - Dense: {{units: 10, activation: softmax}}   # one unit for every class

# The data set digits needs scikit-learn: pip install 'netspec[digits]'. Other data sets: mnist,
# which is fetched; images, npz or idx for your own files.
data: {{dataset: digits, scale: 16}}            # pixels are divided by scale

train:
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: 1e-3}}}}    # or {{sgd: {{momentum: 0.9}}}}
  metrics: [accuracy]
  epochs: 15
  batch_size: 32
  seed: 0                       # decides the initial weights and the order of the images
"""


TEMPLATES = {
    "digits": None,
    "mnist": "mnist_cnn",
    "images": "digits_folder",
    "table": "wine",
    "text": "reviews",
    "series": "series",
    "autoencoder": "autoencoder",
}
"""The names of templates. The text of a template is a spec of netspec, or `TEMPLATE`."""


def modeline() -> list[str]:
    """The line with which editors find the schema of the language; none where it is missing."""
    schema = Path(__file__).parents[1] / "netspec.schema.json"
    return [f"# yaml-language-server: $schema={schema.as_uri()}"] if schema.is_file() else []


def specs() -> dict[str, Path]:
    """The specs of netspec by name. A wheel contains them in the package, a checkout next to it."""
    package = Path(__file__).parents[1]
    folder = next(path / "specs" for path in (package, package.parent) if (path / "specs").is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def listing() -> list[tuple[str, str]]:
    """The names of all templates, each with a description: first `TEMPLATES`, then the specs."""
    known = specs()
    rows = [("digits", "A small convolutional network for scikit-learn's 8x8 digits, commented.")]
    rows += [(name, _description(known[spec])) for name, spec in TEMPLATES.items() if spec]
    named = {*TEMPLATES, *TEMPLATES.values()}
    return rows + [(name, _description(path)) for name, path in known.items() if name not in named]


def _description(path: Path) -> str:
    match = re.search(r"^description: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return match[1] if match else ""


def template(name: str, network: str) -> str:
    """The text of a template for a network of this name. Raises NetspecError."""
    known = specs()
    if name not in {**TEMPLATES, **known}:
        meant = nearest(name, [*TEMPLATES, *known])
        help = f"did you mean {meant}? " if meant else ""
        message = f"there is no template {name!r}"
        raise NetspecError(message, f"{help}`netspec new --list` lists all templates")
    spec = TEMPLATES.get(name, name)
    if spec is None:
        return "\n".join([*modeline(), TEMPLATE.format(name=flow(network))])
    _, _, text = known[spec].read_text("utf-8").partition("\n")  # without the line for editors
    text = re.sub(
        r"^name: .*$", lambda _: f"name: {flow(network)}", text, count=1, flags=re.MULTILINE
    )
    return "\n".join([*modeline(), text])


def write_new(
    name: str,
    text: str,
    *,
    force: bool = False,
    help: str = "choose another name, or use --force",
) -> Path:
    """Write a spec into `name`.yaml in the current folder. Raises NetspecError.

    Another text there is replaced only with `force`; `help` is what to do otherwise.
    """
    path, content = Path(f"{name}.yaml"), text.encode()
    if is_file(path) and path.read_bytes() == content:
        return path
    if path.exists() and not force:
        raise NetspecError(f"{path} is there already", help)
    write_atomically(path, content)
    return path


def checked_name(name: str) -> str:
    """The name of a network, without the end of a file name. Raises NetspecError."""
    name = name.removesuffix(".yaml")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        message = f"{name!r} cannot name a network"
        raise NetspecError(message, "use a letter, then up to 63 letters, digits and underscores")
    return name
