"""The table of the pipeline's tasks. Outputs have the keys of transformers 4 (F175, F177, F178)."""

import re

from experiments.command_line.options import Option
from experiments.pipelines import encoders, images, sentences, spans, writing
from experiments.pipelines.records import Task

_TRUNCATION = {"truncation": Option(bool, "cut texts that are longer than the model reads", False)}
_SAMPLING = {
    "max_new_tokens": Option(int, "most tokens after the prompt (default: the folder's, else 20)"),
    "max_length": Option(int, "most tokens, the prompt counted"),
    "num_return_sequences": Option(int, "texts for each prompt", 1),
    "do_sample": Option(bool, "draw tokens (default: what the folder says, or what another option needs)"),
    "temperature": Option(float, "divides the logits, 0: greedy"),
    "top_k": Option(int, "draw from the k most probable tokens"),
    "top_p": Option(float, "draw from the fewest tokens with this probability"),
    "min_p": Option(float, "draw from tokens with this share of the largest probability"),
    "repetition_penalty": Option(float, "above 1: tokens that were there become less probable"),
    "num_beams": Option(int, "above 1: beam search"),
    "length_penalty": Option(float, "of beams: exponent of the length"),
    "early_stopping": Option(bool, "of beams: stop when enough texts have ended"),
    "seed": Option(int, "of the draws"),
}
_PREFIX = {"prefix": Option(str, "put before each text (default: what the folder says)", None, may_be_empty=True)}
_TOP = {"top_k": Option(int, "how many classes", 5)}
_ENCODERS = ("masked", "pretraining", "following", "text_class", "token_class", "span", "encoder", "pooled")

TASKS: dict[str, Task] = {
    "text-generation": Task(
        ("causal",),
        writing.text_generation,
        {**_SAMPLING, "return_full_text": Option(bool, "the prompt stands before the text", True)},
        "a text, or a list of chat messages",
        "gpt_quick",
    ),
    "fill-mask": Task(
        ("masked", "pretraining"),
        encoders.fill_mask,
        {
            "top_k": Option(int, "how many words", 5),
            "targets": Option(str, "only these words, with commas between them", may_be_list=True),
            **_TRUNCATION,
        },
        "a text with a mask token",
        "bert_quick/models/words",
    ),
    "text-classification": Task(
        ("text_class",),
        encoders.text_classification,
        {
            "top_k": Option(int, "a list of so many classes instead of the best one"),
            "function_to_apply": Option(str, "softmax, sigmoid or none (default: as trained)"),
            **_TRUNCATION,
        },
        'a text, or {"text": …, "text_pair": …}',
        "finetune_classifier",
        one_each=True,
    ),
    "token-classification": Task(
        ("token_class",),
        spans.token_classification,
        {
            "aggregation_strategy": Option(str, "none, simple, first, average or max", "none"),
            "ignore_labels": Option(str, "labels that are left out, with commas between them", "O", False, True, True),
            **_TRUNCATION,
        },
        "a text",
        "bert_quick/models/tags",
    ),
    "question-answering": Task(
        ("span",),
        spans.question_answering,
        {
            "top_k": Option(int, "how many answers", 1),
            "doc_stride": Option(int, "tokens that two windows of a long context share", 128),
            "max_seq_len": Option(int, "most tokens of a window, the question counted", 384),
            "max_answer_len": Option(int, "most tokens of an answer", 15),
            "handle_impossible_answer": Option(bool, "the empty answer is one of them", False),
        },
        '{"question": …, "context": …}',
        "bert_quick/models/span",
    ),
    "summarization": Task(
        ("seq2seq",),
        writing.text_to_text("summary_text", "summarization"),
        {**_SAMPLING, **_PREFIX},
        "a text",
        "t5_quick",
        one_each=True,
    ),
    "translation": Task(
        ("seq2seq",),
        writing.text_to_text("translation_text", "translation"),
        {**_SAMPLING, **_PREFIX},
        "a text",
        "toy_translation",
        one_each=True,
    ),
    "text2text-generation": Task(
        ("seq2seq",),
        writing.text_to_text("generated_text", ""),
        {**_SAMPLING, **_PREFIX},
        "a text",
        "t5_quick",
        one_each=True,
    ),
    "feature-extraction": Task(_ENCODERS, encoders.features, _TRUNCATION, "a text", "bert_quick/models/words"),
    "sentence-similarity": Task(
        _ENCODERS,
        sentences.sentence_similarity,
        _TRUNCATION,
        '{"source_sentence": …, "sentences": […]}',
        "bert_quick/models/words",
    ),
    "zero-shot-classification": Task(
        ("text_class",),
        encoders.zero_shot,
        {
            "candidate_labels": Option(str, "labels with commas between them", may_be_list=True),
            "hypothesis_template": Option(str, "what a label says of the text", "This example is {}."),
            "multi_label": Option(bool, "each label for itself, any number may hold", False),
            **_TRUNCATION,
        },
        "a text",
        "bert_quick/models/topic",
    ),
    "image-classification": Task(
        ("image", "run_image"),
        images.image_classification,
        {**_TOP, "fit": Option(bool, "of a run: resize and convert other images", False)},
        "the path or address of an image",
        "digits_cnn",
    ),
    "audio-classification": Task(
        ("image", "run_image"), images.audio_classification, _TOP, "the path or address of a WAV file", "sounds"
    ),
}
# translation_en_to_fr: a folder may say what stands before such a text.
LANGUAGES = re.compile("translation_[^_]+_to_[^_]+")
