"""Rules across the outputs, their losses, their metrics and the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from netspec.checks.ends import End
from netspec.checks.objectives import figures, has_one_class, losses_by_output, objectives
from netspec.graph.nodes import Graph
from netspec.language.data import DataFields, PartFields, class_names, promise_of
from netspec.language.hints import likely
from netspec.language.layers import Dense, Flatten, Shape, written
from netspec.language.layers.pooling import GlobalPooling
from netspec.language.spec import EarlyStopping, Spec, Train
from netspec.language.training.losses import Loss
from netspec.language.training.metrics import Accuracy, ConfusionMatrix, Metric
from netspec.language.training.schedules import ReduceOnPlateau
from netspec.text.codes import Code
from netspec.text.diagnostics import nearest, one_of
from netspec.text.source import Fault, Location


def training_faults(spec: Spec, ends: Sequence[End]) -> list[Fault]:
    """The faults between the outputs, their losses, their metrics and their data."""
    train = spec.train
    assert train is not None
    faults = [*_unnamed(train, ends)]
    if faults:
        return faults
    losses = losses_by_output(train, ends)
    faults = [fault for end in ends for fault in _output_faults(losses[end.name], spec.data, end)]
    if faults:
        return faults
    for end in ends:
        faults += _ending_faults(losses[end.name], train, end)
        faults += _target_faults(losses[end.name], spec.data, end) if len(ends) == 1 else ()
        faults += _metric_faults(losses[end.name], train, end)
    return faults or [
        *_class_weight_faults(spec, train, ends),
        *(_order_faults(spec, train) or _stratify_faults(spec, train, ends)),
        *_monitor_faults(spec, train, ends),
    ]


def _unnamed(train: Train, ends: Sequence[End]) -> Iterator[Fault]:
    """Outputs without a loss, and names that no output has."""
    names = [end.name for end in ends]
    if not isinstance(train.loss, dict) and len(ends) > 1:
        message = f"the network has the outputs {one_of(names, 'and')}, and one loss"
        help = f"write a loss for each, as in `loss: {{{names[0]}: {train.loss.tag}, …}}`"
        yield Fault(("train", "loss"), Code.LOSS, message, help)
    if not isinstance(train.metrics, dict) and train.metrics and len(ends) > 1:
        message = f"the network has the outputs {one_of(names, 'and')}, and one list of metrics"
        help = f"write a list for each, as in `metrics: {{{names[0]}: [{train.metrics[0].tag}]}}`"
        yield Fault(("train", "metrics"), Code.LOSS, message, help)
    by_output = {"loss": train.loss, "loss_weights": train.loss_weights, "metrics": train.metrics}
    for field, value in by_output.items():
        for name in value if isinstance(value, dict) else ():
            if name not in names:
                meant = nearest(name, names)
                help = f"did you mean `{meant}`?" if meant else f"there is {one_of(names)}"
                message = f"the network has no output named {name!r}"
                yield Fault(("train", field, name), Code.OUTPUT, message, help, key=True)
    if isinstance(train.loss, dict):
        missing = [name for name in names if name not in train.loss]
        if missing and len(missing) + len(train.loss) == len(names):
            message = f"the output {missing[0]} has no loss"
            help = f"add `{missing[0]}: LOSS`, or leave it out of `output`"
            yield Fault(("train", "loss"), Code.LOSS, message, help, key=True)


def loss_place(train: Train, end: End) -> Location:
    """Where the loss of an output is written."""
    return ("train", "loss", end.name) if isinstance(train.loss, dict) else ("train", "loss")


def _output_faults(loss: Loss, data: DataFields | None, end: End) -> Iterator[Fault]:
    """An output with another shape than one label for each example, or data without labels."""
    if data is not None and data.own_targets and loss.kind == "classes":
        message = f"{loss.tag} takes class indices, and the target is the input"
        help = "use binary_crossentropy or mean_squared_error"
        yield Fault(("train", "loss"), Code.LOSS, message, help)
    values = data.promise.values if data else None
    if data is not None and values is not None and loss.kind in ("classes", "one_hot"):
        message = f"{loss.tag} takes classes, and {data.dataset} has numbers to predict"
        yield Fault(("train", "loss"), Code.LOSS, message, "use mean_squared_error")
    elif data is not None and values is not None and end.shape not in (values, (*values, 1)):
        yield _unequal_values(data, values, end)
    one_label = data is not None and data.promise.single and not data.own_targets
    if loss.kind == "classes" and len(end.shape) > 1 and one_label:
        shape = written(end.shape)
        message = (
            f"{end.subject} ends in {shape}, and a classifier ends in one value for each class"
        )
        help = "end with `- Flatten` and `- Dense: {units: CLASSES, activation: softmax}`"
        yield Fault(end.location, Code.OUTPUT, message, help, key=True)


def _unequal_values(data: DataFields, values: Shape, end: End) -> Fault:
    """The fault of an output with another shape than the numbers that it is compared with."""
    message = f"{end.subject} ends in {written(end.shape)}, and {data.dataset} has "
    message += f"{written(values)} to predict"
    layers = f"- Dense: {{units: {prod(values)}}}"
    if len(end.shape) > len(values):
        layers = f"- Flatten` and `{layers}"
    if values[1:]:
        layers = f"{layers}` and `- Reshape: {{target_shape: {[*values]}}}"
    return Fault(end.location, Code.OUTPUT, message, f"end with `{layers}`", key=True)


def _ending_faults(loss: Loss, train: Train, end: End) -> Iterator[Fault]:
    """A loss on logits with probabilities, the reverse, or a choice of classes with one unit."""
    last = (*end.location, "activation") if end.activation_field else end.location
    units = (*end.location, "units") if end.units_field else end.location
    required, ending = loss.probabilities, end.activation
    if required is None:
        return
    if required == "softmax" and end.shape[-1] == 1:
        message = f"{loss.tag} chooses between classes, and {end.subject} ends in one unit"
        help = "use binary_crossentropy and sigmoid, or one unit for each class"
        yield Fault(units, Code.LOSS, message, help, key=units == end.location)
    elif getattr(loss, "from_logits", False) and ending == required:
        message = f"{loss.tag} takes logits (from_logits), and {end.subject} ends in {ending}"
        help = "remove from_logits; netspec computes the loss on logits in any case"
        location = (*loss_place(train, end), loss.tag, "from_logits")
        yield Fault(location, Code.LOSS, message, help, related=(f"the {ending}", last))
    elif not getattr(loss, "from_logits", False) and ending != required:
        yield _without_probabilities(loss, end, last)
    elif end.read and ending == required:
        message = f"the {ending} of {end.name} is removed for its loss, and another layer reads it"
        help = "name the layer before as the output, and write `from_logits: true` in the loss"
        yield Fault(last, Code.LOSS, message, help, key=last == end.location)


def _without_probabilities(loss: Loss, end: End, last: Location) -> Fault:
    required, ending = loss.probabilities, end.activation
    ending_text = "without an activation" if ending == "linear" else f"in {ending}"
    message = f"{loss.tag} needs probabilities, and {end.subject} ends {ending_text}"
    activation = f"activation: {required}"
    units = "CLASSES" if required == "softmax" else "1"
    help = f"end with `{activation}`, or write `from_logits: true` in the loss"
    if ending == "softmax":
        help = "use categorical_crossentropy, or end in sigmoid"
    elif ending == "sigmoid":
        help = "use binary_crossentropy, or end in softmax"
    elif end.location[-1] == "TimeDistributed":
        message = f"{loss.tag} needs probabilities, and {end.subject} ends in TimeDistributed"
        layer = f"- Dense: {{units: {units}, {activation}}}"
        help = f"end with only `{layer}`, which computes every step separately"
    elif (
        not end.activation_field
        and end.location[-1] not in ("Dense", "Activation")
        and last == end.location
    ):
        layer = f"- Dense: {{units: {units}, {activation}}}"
        layer = f"- Flatten` and `{layer}" if len(end.shape) > 2 else layer
        help = f"end with `{layer}`, or write `from_logits: true` in the loss"
    return Fault(last, Code.LOSS, message, help, key=last == end.location)


def _target_faults(loss: Loss, data: DataFields | None, end: End) -> Iterator[Fault]:
    """Data whose targets do not fit the loss."""
    if data is not None and data.first_label and loss.kind != "classes":
        message = f"labels_from is the label of the first class, and {loss.tag} takes no labels"
        help = "remove it, or use sparse_categorical_crossentropy"
        yield Fault(("data", "labels_from"), Code.DATA, message, help, key=True)
    if data is None or data.own_targets:
        return
    location = (*end.location, "units") if end.units_field else end.location
    units, names, classes = end.shape[-1], data.class_names, data.promise.classes
    if classes is not None and loss.kind in ("one_hot", "binary", "signs", "distribution"):
        targets = (
            "values of its outputs" if loss.kind == "distribution" else "one value for each output"
        )
        message = f"{loss.tag} takes {targets}, and {data.dataset} has class indices"
        help = "use sparse_categorical_crossentropy, which takes the indices"
        yield Fault(("train", "loss"), Code.LOSS, message, help)
    elif loss.kind == "classes" and classes not in (None, units):
        message = f"{end.subject} ends in {units} units, and {data.dataset} has {classes} classes"
        help = f"write `units: {classes}`"
        if not end.units_field:
            help = f"change the layer before it to {classes} units or filters"
        yield Fault(location, Code.CLASSES, message, help, key=location == end.location)
    elif classes is None and names is not None and _several(loss) and len(names) != units:
        message = f"{end.subject} ends in {units} units, and class_names has {len(names)} names"
        related = ("the names", ("data", "class_names"))
        help = "one unit for every class"
        yield Fault(location, Code.CLASSES, message, help, location == end.location, related)


def _several(loss: Loss) -> bool:
    """Whether the targets of a loss are classes that exclude each other, one unit each."""
    return loss.kind in ("classes", "one_hot")


def _metric_faults(loss: Loss, train: Train, end: End) -> Iterator[Fault]:
    """Metrics that do not fit the targets, or are named twice."""
    by_output = isinstance(train.metrics, dict)
    metrics = train.metrics.get(end.name, ()) if isinstance(train.metrics, dict) else train.metrics
    base: Location = ("train", "metrics", end.name) if by_output else ("train", "metrics")
    for index, metric in enumerate(metrics or ()):
        location = (*base, index)
        if metric.tag in [earlier.tag for earlier in (metrics or ())[:index]]:
            message = f"{metric.tag} is named twice"
            yield Fault(location, Code.VALUE, message, "name every metric once")
        elif reason := _unfit(metric, loss, end):
            yield Fault(location, Code.VALUE, *reason)


def _unfit(metric: Metric, loss: Loss, end: End) -> tuple[str, str] | None:
    """Why a metric does not fit the targets of a loss, and what to do."""
    kind = loss.kind
    if not metric.of_classes and kind == "classes":
        message = f"{metric.tag} compares values, and {loss.tag} has classes"
        return message, "use accuracy, or another metric of classes"
    if isinstance(metric, Accuracy) and kind not in ("classes", "one_hot", "binary"):
        message = f"accuracy counts right answers, and {loss.tag} compares values"
        return message, "use mean_absolute_error or binary_accuracy"
    if (metric.tag == "sparse_categorical_accuracy") != (kind == "classes") and metric.tag in (
        "sparse_categorical_accuracy",
        "categorical_accuracy",
        "binary_accuracy",
    ):
        message = f"{metric.tag} is not for the targets of {loss.tag}"
        return message, "write `accuracy`, whose kind the loss decides"
    if isinstance(metric, ConfusionMatrix) and kind == "binary" and end.shape[-1] > 1:
        message = (
            f"classes of a confusion matrix exclude each other, and classes of {loss.tag} do not"
        )
        return message, "use precision, recall or f1_score"
    if metric.tag == "top_k_categorical_accuracy" and kind not in ("classes", "one_hot"):
        return f"{metric.tag} is not for the targets of {loss.tag}", "use it with several classes"
    return None


def _class_weight_faults(spec: Spec, train: Train, ends: Sequence[End]) -> Iterator[Fault]:
    weights = train.class_weights
    if weights is None:
        return
    loss, location = losses_by_output(train, ends)[ends[0].name], ("train", "class_weights")
    shape = ends[0].shape
    if not _has_one_class(train, ends):
        message = "class_weights need one output with one class for each example"
        yield Fault(
            location, Code.VALUE, message, "weight the examples: w_train in an npz file", key=True
        )
        return
    classes = 2 if loss.kind == "binary" else shape[-1]
    if promise_of(spec.data).names_classes is not False and not (
        spec.data and spec.data.class_names
    ):
        return  # the data may contain the names: they are compared when the data are loaded
    known = class_names(spec.data, classes)
    for name in weights:
        if name not in known:
            meant = nearest(name, known)
            help = f"did you mean `{meant}`?" if meant else f"there are {one_of(known[:10], 'and')}"
            message = f"there is no class named {name!r}"
            yield Fault((*location, name), Code.VALUE, message, help, key=True)


def _has_one_class(train: Train, ends: Sequence[End]) -> bool:
    """Whether the network has one output, and every example one class."""
    loss = losses_by_output(train, ends)[ends[0].name]
    return len(ends) == 1 and has_one_class(loss, ends[0].shape)


def _order_faults(spec: Spec, train: Train) -> list[Fault]:
    """Examples of validation that are drawn at random from data in the order of time."""
    field = train.validation.written_randomness if train.validation else None
    if not field or not promise_of(spec.data).ordered:
        return []
    help = f"remove {field}: the validation part is the last one in time before the test part"
    location = ("train", "validation", field)
    return [Fault(location, Code.VALUE, "a series is never shuffled", help, key=True)]


def _stratify_faults(spec: Spec, train: Train, ends: Sequence[End]) -> Iterator[Fault]:
    one_class = _has_one_class(train, ends)
    test = spec.data.test if isinstance(spec.data, PartFields) else None
    has_labels = spec.data is None or not spec.data.own_targets
    faulty = {
        ("train", "validation"): (train.validation, one_class),
        ("data", "test"): (test, one_class and has_labels),
    }
    for place, (portion, fits) in faulty.items():
        if portion and portion.stratify and not fits:
            message = "stratify needs one output with one class for each example"
            help = "write `stratify: false`"
            yield Fault((*place, "stratify"), Code.VALUE, message, help, key=True)


def _monitor_faults(spec: Spec, train: Train, ends: Sequence[End]) -> Iterator[Fault]:
    """Metrics that early stopping or the learning rate monitors, and training does not report."""
    known = list(figures(objectives(spec, ends)))
    validates = train.kept is not None or promise_of(spec.data).validates
    for base, watching in _watching(train):
        written = "monitor" in watching.model_fields_set
        location = (*base, "monitor") if written else base
        if reason := _unreported(watching, known, validates=validates):
            yield Fault(location, Code.VALUE, *reason, key=not written)


def _watching(train: Train) -> Iterator[tuple[Location, EarlyStopping | ReduceOnPlateau]]:
    """What depends on a metric of the training, and its place."""
    rate = train.optimizer.learning_rate
    if train.early_stopping is not None:
        yield ("train", "early_stopping"), train.early_stopping
    if isinstance(rate, ReduceOnPlateau):
        yield ("train", "optimizer", train.optimizer.tag, "learning_rate", rate.tag), rate


def needs_validation(train: Train) -> tuple[str, str] | None:
    """What monitors a metric of the validation, and what to do without a validation part."""
    for _, watching in _watching(train):
        if watching.monitor.startswith("val_"):
            return _unvalidated(watching)
    return None


def _unvalidated(watching: EarlyStopping | ReduceOnPlateau) -> tuple[str, str]:
    subject = watching.tag if isinstance(watching, ReduceOnPlateau) else "early stopping"
    message = f"{subject} monitors {watching.monitor}, and there are no examples for validation"
    help = "add `validation_split: 0.1` to train, or monitor the training: `monitor: loss`"
    return message, help


def _unreported(
    watching: EarlyStopping | ReduceOnPlateau, known: list[str], *, validates: bool
) -> tuple[str, str] | None:
    """Why training does not report a metric, and what to do."""
    metric = watching.monitor.removeprefix("val_")
    prefix = watching.monitor.removesuffix(metric)
    if prefix and not validates:
        return _unvalidated(watching)
    if metric in known:
        return None
    meant, named = likely(metric, known), one_of([f"{prefix}{name}" for name in known])
    help = f"did you mean `{prefix}{meant}`?" if meant else f"there is {named}"
    return f"there is no metric named {watching.monitor!r}", help


def weightless_faults(graph: Graph) -> list[Fault]:
    """The fault of a network with `train` and without weights."""
    if any(weight.trainable for _, weight in graph.weights()):
        return []
    message = f"{graph.name} has no weights to train"
    return [Fault(("layers",), Code.WEIGHTS, message, "add a Dense or a Conv2D", key=True)]


def unflattened(graph: Graph) -> list[Fault]:
    """The fault of a Dense that reads an image, where no layer before it flattens."""
    for index, node in enumerate(graph.nodes):
        if isinstance(node.layer, Flatten | GlobalPooling):
            break
        if isinstance(node.layer, Dense) and len(node.input_shape) == 3:
            message = (
                f"{node.name} reads the image {written(node.input_shape)}, and Dense computes "
                f"every pixel separately"
            )
            help = "put `- Flatten` before this layer"
            return [Fault(("layers", index, "Dense"), Code.FLATTEN, message, help, key=True)]
    return []
