"""A local page to try a model on (F183): what it writes with every way of sampling, what it sees, what it finds alike."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from experiments.pipelines.encoders import fill_mask, text_classification
from experiments.pipelines.images import eyes
from experiments.pipelines.models import Model
from experiments.pipelines.sentences import sentence_similarity
from experiments.trained.writer import window_notes
from nn_core.generation.decode import begin, generate_chunk
from nn_core.generation.filters import Sampling
from nn_core.pretrained.tensor_files import PretrainedError
from nn_core.text.interface import continuation

CHUNK = 4  # tokens between two pictures of a text that grows
SHOWN = 10  # candidates


def make_page(model: Model) -> Any:
    """The page of a model, as Gradio's Blocks.

    Raises:
        PretrainedError: Gradio is not installed, or there is no page for this kind of model.
    """
    try:
        import gradio
    except ImportError:
        raise PretrainedError("the page needs Gradio: pip install 'nn_core[demo]'") from None
    pages: dict[str, Callable[[Any, Model], None]] = {
        "causal": writing_page,
        "seq2seq": writing_page,
        "image": drawing_page,
        "run_image": drawing_page,
        "text_class": classes_page,
        "masked": words_page,
        "pretraining": words_page,
        "encoder": alike_page,
        "pooled": alike_page,
    }
    if model.kind not in pages:
        raise PretrainedError(
            f"{model.place} is a model of kind {model.kind!r}; there are pages for {', '.join(pages)}"
        )
    with gradio.Blocks(analytics_enabled=False, title=f"nn_core: {model.place.name}") as page:
        gradio.Markdown(f"## {model.place.name}")
        pages[model.kind](gradio, model)
    return page


def writing_page(gradio: Any, model: Model) -> None:
    """A prompt, every option of sampling, the text while it grows, and the candidates for its next token."""
    with gradio.Row():
        with gradio.Column():
            prompt = gradio.Textbox(label="Prompt", value="The ", lines=3, elem_id="prompt")
            controls = [
                gradio.Slider(1, 500, 60, step=1, label="New tokens", elem_id="max_new_tokens"),
                gradio.Slider(0, 2, 1, step=0.05, label="Temperature (0: greedy)", elem_id="temperature"),
                gradio.Slider(0, 100, 0, step=1, label="Top k (0: all)", elem_id="top_k"),
                gradio.Slider(0.05, 1, 1, step=0.05, label="Top p", elem_id="top_p"),
                gradio.Slider(0, 1, 0, step=0.05, label="Min p", elem_id="min_p"),
                gradio.Slider(1, 2, 1, step=0.05, label="Repetition penalty", elem_id="repetition_penalty"),
                gradio.Number(0, precision=0, label="Seed", elem_id="seed"),
            ]
            button = gradio.Button("Write", variant="primary", elem_id="write")
        with gradio.Column():
            text = gradio.Textbox(label="Text", lines=12, elem_id="text")
            candidates = gradio.Label(
                label="Candidates for the next token", num_top_classes=SHOWN, elem_id="candidates"
            )

    def write(*values: Any) -> Iterator[Any]:  # Gradio looks whether a function is a generator
        try:
            yield from written(model, gradio.Info, *values)
        except ValueError as error:
            raise gradio.Error(str(error), print_exception=False) from None

    button.click(write, [prompt, *controls], [text, candidates])


def on_the_page(gradio: Any, answer: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose caller's mistakes are told on the page."""

    def call(*values: Any) -> Any:
        try:
            return answer(*values)
        except ValueError as error:
            raise gradio.Error(str(error), print_exception=False) from None

    return call


def written(
    model: Model,
    tell: Callable[[str], Any],
    prompt: str,
    max_new_tokens: int,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    repetition_penalty: float,
    seed: int,
) -> Iterator[tuple[str, dict[str, float]]]:
    """The text while it grows, and the probabilities of what may come next; what the model forgets of it is told.

    Raises:
        ValueError: a prompt without a token, or with characters that the vocabulary does not hold.
    """
    if model.decoder is None:
        raise PretrainedError(f"{model.place} writes nothing")
    tokenizer = model.the_tokenizer()
    if model.sources is None:
        params, ids, shown = model.params, model.prompt_ids(prompt), prompt
    else:
        params, ids, shown = (model.params, model.sources([prompt])), [model.start_id], ""
    for told in window_notes(model.decoder.context_size, [ids], {"max_new_tokens": int(max_new_tokens)}):
        tell(told)
    greedy = temperature == 0
    sampling = Sampling(
        temperature=None if greedy or temperature == 1 else temperature,
        top_k=None if greedy or not top_k else int(top_k),
        top_p=None if greedy or top_p >= 1 else top_p,
        min_p=None if greedy or not min_p else min_p,
        repetition_penalty=None if repetition_penalty == 1 else repetition_penalty,
    )
    key = None if greedy else jax.random.key(int(seed) % 2**32)
    request, progress = begin(
        model.decoder,
        params,
        [ids],
        key=key,
        sampling=sampling,
        max_new_tokens=int(max_new_tokens),
        eos_id=model.writing.end_ids or None,
    )
    look = jax.jit(lambda params, cache, last, places: model.decoder.step(params, cache, last, places)[1])  # type: ignore[union-attr]
    while True:
        logits_BV = look(params, progress.cache, progress.text.last_ids_B, progress.text.positions_B)
        new = np.asarray(progress.text.new_ids_BN)[0, : int(progress.text.new_lengths_B[0])]
        yield shown + continuation(tokenizer, ids, new), _candidates(tokenizer, logits_BV, temperature)
        before = int(progress.step)
        if before >= max_new_tokens or bool(progress.stopped_B[0]):
            return
        progress = generate_chunk(model.decoder, params, request, progress, CHUNK)
        if int(progress.step) == before:
            return


def _candidates(tokenizer: Any, logits_BV: Any, temperature: float) -> dict[str, float]:
    shares = np.asarray(jax.nn.softmax(jnp.asarray(logits_BV[0], jnp.float32) / max(temperature, 1e-3)))
    best = np.argsort(-shares, kind="stable")[:SHOWN]
    return {f"{tokenizer.decode([i], skip_special=False)!r} ({i})": float(shares[i]) for i in best.tolist()}


def drawing_page(gradio: Any, model: Model) -> None:
    """A pad to draw on, and the classes of the drawing."""
    seen = eyes(model, fit=True)

    def classify(drawn: Any) -> dict[str, float]:
        if drawn is None or drawn.get("composite") is None:
            return {}
        scores = seen.scores(prepared(drawn["composite"], seen.shape)[None])[0]
        return {label: float(score) for label, score in zip(seen.labels, scores, strict=True)}

    with gradio.Row():
        pad = gradio.Sketchpad(label="Draw", type="numpy", canvas_size=(280, 280), elem_id="pad")
        classes = gradio.Label(label="Classes", num_top_classes=SHOWN, elem_id="classes")
    gradio.Button("Classify", variant="primary", elem_id="classify").click(classify, [pad], [classes])


def prepared(drawn_HWC: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A dark drawing on a white ground as light on dark, of the size that a classifier reads: (H, W, C) in [0, 1]."""
    height, width, channels = shape
    pixels = np.asarray(drawn_HWC, np.float64)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        opacity = pixels[..., 3:] / 255
        pixels = pixels[..., :3] * opacity + 255 * (1 - opacity)
    gray = 255 - (pixels.mean(axis=2) if pixels.ndim == 3 else pixels)
    resized = Image.fromarray(gray.astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
    return np.repeat(np.asarray(resized, np.float32)[..., None] / 255, channels, axis=2)


def classes_page(gradio: Any, model: Model) -> None:
    """A text and its classes."""
    ask = text_classification(model, {"top_k": SHOWN, "function_to_apply": None, "truncation": True})
    text = gradio.Textbox(label="Text", lines=3, elem_id="prompt")
    classes = gradio.Label(label="Classes", num_top_classes=SHOWN, elem_id="classes")
    shown = lambda value: {row["label"]: row["score"] for row in ask([value])[0]}  # noqa: E731
    gradio.Button("Classify", variant="primary", elem_id="classify").click(
        on_the_page(gradio, shown), [text], [classes]
    )


def words_page(gradio: Any, model: Model) -> None:
    """A text with one mask, and the words for it."""
    ask = fill_mask(model, {"top_k": SHOWN, "targets": None, "truncation": True})
    mask = model.the_tokenizer().special["mask_token"]
    text = gradio.Textbox(label=f"Text with one {mask}", lines=3, elem_id="prompt")
    words = gradio.Label(label="Words", num_top_classes=SHOWN, elem_id="classes")

    def shown(value: str) -> dict[str, float]:
        if value.count(mask) > 1:
            raise ValueError(f"the text has {value.count(mask)} {mask}; leave one of them")
        return {row["token_str"]: row["score"] for row in ask([value])[0]}

    gradio.Button("Fill", variant="primary", elem_id="classify").click(on_the_page(gradio, shown), [text], [words])


def alike_page(gradio: Any, model: Model) -> None:
    """Two sentences, and the cosine of their vectors."""
    ask = sentence_similarity(model, {"truncation": True})
    one = gradio.Textbox(label="A sentence", elem_id="one")
    other = gradio.Textbox(label="Another one", elem_id="other")
    cosine = gradio.Number(label="Cosine of their vectors", elem_id="cosine")
    compare = lambda a, b: ask([{"source_sentence": a, "sentences": [b]}])[0][0]  # noqa: E731
    button = gradio.Button("Compare", variant="primary", elem_id="compare")
    button.click(on_the_page(gradio, compare), [one, other], [cosine])
