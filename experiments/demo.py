"""python -m experiments.demo --model=DIR [--member=0] [--port=7860]

Serves a local page to try a model on (F183): a Hugging Face folder, or a run directory of this project. Text models with
every option of sampling and the candidates' probabilities, streamed; image classifiers with a drawing pad; sentence
similarity. The page is seen from this machine only.
"""

import os
import sys
from collections.abc import Sequence

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command

HOST = "127.0.0.1"
OPTIONS = {
    "model": Option(str, "a Hugging Face folder, its name on the hub, or a run directory"),
    "member": Option(int, "of a run directory: which run of a sweep"),
    "step": Option(str, "of a run directory: best on validation, latest, or a step", "best"),
    "port": Option(int, "of the page", 7860),
}
ABOUT = "Serves a local page to try a model on: writing, drawing, comparing. Seen from this machine only."
EXAMPLES = ("python -m experiments.demo --model=checkpoints/gpt_quick",)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="model")
        if options["help"]:
            print(usage("python -m experiments.demo --model=DIR [--name=value …]", ABOUT, OPTIONS, EXAMPLES))
            return 0
        if options["model"] is None:
            raise ValueError("--model is missing; give a run directory or a Hugging Face folder")
        if not 1024 <= options["port"] <= 65535:
            raise ValueError(f"port={options['port']} is outside 1024..65535; choose one inside")
        serve(options["model"], options["member"], options["step"], options["port"])
    except KeyboardInterrupt:
        print(file=sys.stderr)
    except (ValueError, RuntimeError) as error:
        return refuse(error, OPTIONS)
    return 0


def serve(model: str, member: int | None, step: str, port: int) -> None:
    """Serves the page until it is stopped."""
    set_up_devices()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from experiments.pipelines.models import find, load_model

    place = find(model)  # may ask the hub; Gradio may not
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from experiments.pipelines.page import make_page

    page = make_page(load_model(place, member, step))
    import gradio

    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"])  # none from elsewhere
    try:
        page.launch(server_name=HOST, server_port=port, share=False, theme=theme, footer_links=[], quiet=True)
    except OSError:
        raise ValueError(f"port={port} is taken; choose another with --port") from None


if __name__ == "__main__":
    run_command(main)
