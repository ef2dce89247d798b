"""python -m experiments.export --checkpoint=DIR --out=FOLDER [--member=0] [--step=best] [--dtype=float32]

Writes a trained GPT, ViT, BERT or T5 as a Hugging Face folder (config.json, model.safetensors, tokenizer.json), which
transformers loads. What has no counterpart there says why not.
"""

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command, say
from experiments.command_line.written_file import check_not_read

OPTIONS = {
    "checkpoint": Option(str, "run directory of a trained model"),
    "out": Option(str, "folder to write; its files of these names are replaced"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "dtype": Option(str, "of the weights: float32, bfloat16, float16", "float32"),
}
ABOUT = """Writes a trained model as a Hugging Face folder: config.json, model.safetensors and, for text, tokenizer.json. Of a
network that was fine-tuned with adapters, these in PEFT's layout: adapter_config.json, adapter_model.safetensors."""
EXAMPLES = ("python -m experiments.export --checkpoint=checkpoints/gpt_quick --out=gpt_quick_hf",)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS)
        if options["help"]:
            print(usage("python -m experiments.export --checkpoint=DIR --out=FOLDER", ABOUT, OPTIONS, EXAMPLES))
            return 0
        for name in ("checkpoint", "out"):
            if options[name] is None:
                raise ValueError(f"--{name} is missing; {OPTIONS[name].help}")
        set_up_devices()
        check_out(options["checkpoint"], options["out"])
        print(write(options))
    except (ValueError, RuntimeError) as error:
        return refuse(error, OPTIONS)
    return 0


def check_out(checkpoint: str, out: str) -> None:
    """Raises ValueError where the folder to write holds a run, or is the folder that is read: its config.json would be lost."""
    from nn_core.files import user_path
    from nn_core.pretrained.folder import CONFIG, is_folder

    check_not_read("--out", out, checkpoint, "the model that is read")
    folder = user_path(out)
    if (folder / CONFIG).is_file() and not is_folder(folder):
        raise ValueError(f"--out={out} has a {CONFIG} of something else, which would be lost; name another folder")


def write(options: dict[str, Any]) -> Path:
    """Restores the model and writes the folder; returns it."""
    from experiments.pipelines.models import load_model
    from nn_core.files import user_path
    from nn_core.models.transformer.fine_tuned import FineTuned
    from nn_core.pretrained.export import export, settings_of
    from nn_core.pretrained.load import DTYPES
    from nn_core.pretrained.tokenizer_files import write_tokenizer
    from nn_core.training.manifest import named_leaves

    if options["dtype"] not in DTYPES:  # told before anything is written
        raise ValueError(f"dtype={options['dtype']!r} is unknown; use one of {', '.join(DTYPES)}")
    place, folder = user_path(options["checkpoint"]), user_path(options["out"])
    model = load_model(place, options["member"], options["step"])
    if isinstance(model.module, FineTuned):
        with writable(options["out"]):
            return write_adapters(place, folder, options)
    settings: dict[str, Any] = {}
    if model.labels:
        settings["id2label"] = {str(i): label for i, label in enumerate(model.labels)}
        settings["label2id"] = {label: i for i, label in enumerate(model.labels)}
    shapes = {name: leaf.shape for name, leaf in named_leaves(model.params).items()}
    settings_of(model.module, shapes)  # whether there is a counterpart is told before anything is written
    with writable(options["out"]):
        if model.tokenizer is not None:
            settings |= write_tokenizer(folder, model.tokenizer)
        if model.kind == "run_image":
            write_preprocessor(folder, model.settings["statistics"], model.settings["shape"])
        if model.decoder is not None:
            write_generation(folder, model.writing, settings)
        return export(folder, model.module, model.params, options["dtype"], settings)


@contextlib.contextmanager
def writable(out: str) -> Iterator[None]:
    """Raises ValueError, naming the option, where the system refuses the folder."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"--out={out} cannot be written ({error.strerror})") from None


def write_adapters(place: Path, folder: Path, options: dict[str, Any]) -> Path:
    """The adapters of a fine-tuned network in PEFT's layout; its new head, which reads a mean, has no counterpart there.

    Raises:
        ValueError: the run learned no adapters.
    """
    from experiments.building.backbones import backbone_of, load_learned
    from experiments.run_directory.stored_run import parse_step
    from nn_core.pretrained.peft import export_adapters
    from nn_core.transfer.lora import ADAPTERS

    stored = load_learned(place, parse_step(options["step"]), options["member"])
    if ADAPTERS not in stored.params:
        raise ValueError(
            f"{place} has a head that reads the mean of all tokens, which transformers has no counterpart of"
        )
    backbone, _, _ = backbone_of(stored.config)
    adapters, alpha = stored.params[ADAPTERS]["backbone"], stored.config.hparams.lora_alpha
    base, command = base_for_peft(stored.config.transfer, folder)
    made = export_adapters(folder, backbone, adapters, alpha, str(base), options["dtype"])
    if command is not None and not base.exists():
        say(f"note: PEFT looks for the network below these adapters in {base}; write it by: {command}", sys.stderr)
    return made


def base_for_peft(section: Any, folder: Path) -> tuple[Path, str | None]:
    """The Hugging Face folder of the network below some adapters; where that is a run, also the command that writes it.

    Args:
        section: config.transfer, whose source is there from any folder.
        folder: of the adapters; the base of a run stands beside it.
    """
    from nn_core.files import user_path
    from nn_core.pretrained.folder import is_folder

    source = user_path(section.source).absolute()
    if is_folder(source):
        return source, None
    base = folder.absolute().with_name(f"{folder.absolute().name}_base")
    words = ["python", "-m", "experiments.export", f"--checkpoint={source}", f"--out={base}"]
    words += [
        f"--{name}={section[name]}" for name, usual in (("member", None), ("step", "best")) if section[name] != usual
    ]
    return base, shlex.join(words)


def write_generation(folder: Path, writing: Any, settings: dict[str, Any]) -> None:
    """What transformers' generate begins, fills and ends a text with."""
    from nn_core.pretrained.generation_config import GENERATION
    from nn_core.text.interface import write_json

    ends = list(writing.end_ids)
    about: dict[str, Any] = {name: settings[name] for name in ("bos_token_id", "pad_token_id") if name in settings}
    about |= {"eos_token_id": ends[0] if len(ends) == 1 else ends} if ends else {}
    about |= {"pad_token_id": ends[0]} if ends and "pad_token_id" not in about else {}
    about |= {} if writing.start_id is None else {"decoder_start_token_id": writing.start_id}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / GENERATION, json.dumps(about, indent=2) + "\n")


def write_preprocessor(folder: Path, statistics: dict[str, Any], shape: tuple[int, int, int]) -> None:
    """How images become inputs of (H, W, C): their size, and a mean and a deviation for each channel.

    Raises:
        ValueError: each pixel was standardized by itself, which has no counterpart.
    """
    import numpy as np

    from nn_core.text.interface import write_json

    height, width, channels = shape
    plain = {"shift": np.zeros((1, 1, channels)), "scale": np.ones((1, 1, channels))} | statistics
    shift, scale = (np.asarray(plain[name]).reshape(-1, channels) for name in ("shift", "scale"))
    if np.any(shift != shift[0]) or np.any(scale != scale[0]):
        raise ValueError(
            "each pixel was standardized by itself, which transformers has no counterpart of; "
            "train with config.data.standardize='all' or 'none'"
        )
    about: dict[str, Any] = {
        "image_processor_type": "ViTImageProcessor",  # that of DeiT would cut out a middle of its own
        "do_resize": True,
        "size": {"height": height, "width": width},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "resample": 2,
    }
    about |= {"image_mean": shift[0].tolist(), "image_std": scale[0].tolist()}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "preprocessor_config.json", json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    run_command(main)
