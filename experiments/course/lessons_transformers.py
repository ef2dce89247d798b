"""The chapters of the course, F118 to F205: transformers, language models, assistants, and the codebase itself."""

from experiments.course.records import Lesson

LESSONS = (
    Lesson(
        "attention",
        "Attention",
        (
            "Attention lets each token ask all others. A token has a query, and every token has a key and a value; where "
            "query and key agree, more of the value is taken. The weights come from softmax, so that they sum to 1.",
            "Scores of long vectors are large, softmax of large scores is almost a choice of one, and a choice has no "
            "gradient. Dividing by the root of the length keeps the scores small. A mask hides the future from a model "
            "that is to predict it.",
        ),
        ("F118", "F123"),
        ("attention_scale",),
        ("attention",),
        ("queries_keys_values", "attention_weights", "causal_mask"),
    ),
    Lesson(
        "transformer",
        "The transformer block",
        (
            "A block lets the tokens exchange what they know, and then thinks about each of them alone: attention, then "
            "a small network. Around both goes a path that adds the input to the output, and a norm that brings each "
            "token back to a common size.",
            "Attention does not see order, so a vector for the position is added to each token. The experiment takes "
            "residual paths and norms out of a deep stack and looks at what is left of the gradient.",
        ),
        ("F124", "F134"),
        ("transformer_parts", "positions"),
        ("transformer",),
        ("transformer_block", "layer_normalization", "feed_forward"),
    ),
    Lesson(
        "families",
        "Encoders, decoders, and both",
        (
            "An encoder sees the whole text, a decoder only what came before, and a translator has one of each, with the "
            "decoder asking the encoder. Hiding words and guessing them trains an encoder; the next word trains a decoder.",
            "The chapter also holds what makes such models cheaper: attention that skips most pairs, a small model that "
            "learns from a large one, a batch that is spread over devices. A picture, cut into squares, is a text of "
            "squares.",
        ),
        ("F135", "F150"),
        (
            *("toy_translation", "multi30k", "multi30k_quick", "bert_quick", "t5_quick", "t5_pretrain"),
            *("attention_variants", "distillation", "vit", "families"),
        ),
        ("families",),
        pictures=("transformer", "transformer_families"),
    ),
    Lesson(
        "language_model",
        "A language model of characters",
        (
            "A decoder that predicts the next character of a text learns to write such texts. The data are windows of the "
            "text; each position of a window is a question, so that one window asks as many questions as it is long.",
            "Before training the loss is the logarithm of the number of characters. It falls first with spelling, then "
            "with words. The end of the text is kept for validation and never trained on.",
            "The loss falls with the size of the model, with the text that it has read, and with the work that went into it, "
            "each about as a power. How the work is best divided between size and text is a question for an experiment.",
        ),
        ("F151", "F167"),
        ("gpt_quick", "gpt_quick_seeds", "gpt_shakespeare", "gpt_shakespeare_baby", "scaling"),
        ("size",),
    ),
    Lesson(
        "alignment",
        "From a language model to an assistant",
        (
            "A model that continues texts does not answer questions. Fine-tuning on answers teaches it the form. Choices "
            "between two answers teach a second model what people like, and the first one can then be trained for that "
            "reward, or by the choices directly.",
            "A reward is only a guess at what is wanted: a model that is pushed too far finds the gaps in it. In this small "
            "world the hidden rule is known, so that both can be measured.",
        ),
        ("F168", "F173"),
        ("assistant_base", "assistant_sft", "reward_model", "ppo", "grpo", "dpo", "alignment"),
        ("alignment",),
    ),
    Lesson(
        "pretrained",
        "Models that others have trained",
        (
            "A folder of weights in the usual layout is a model here, without the library that wrote it. One call does a "
            "task with it: classify, fill in, translate, continue.",
            "Such a model is a start for one's own task. All weights can learn, or only the last layer, or small matrices "
            "that are added to the frozen ones. The last of these keeps the cost low and the old model intact.",
        ),
        ("F174", "F185"),
        (
            "finetune_lora",
            "finetune_classifier",
            "finetune_text",
            "finetune_pairs",
            "finetune_images",
            "vit_of_five",
            "sounds",
        ),
    ),
    Lesson(
        "generation",
        "Writing texts",
        (
            "A language model gives probabilities; a text needs choices. Always the most probable token leads into "
            "repetition. Drawing by the probabilities is varied, and now and then picks nonsense.",
            "Temperature makes the distribution sharper or flatter; top-k and top-p cut off what is improbable; a beam "
            "follows several texts at once and keeps the most probable. The experiment gives all of them the same "
            "beginnings.",
        ),
        ("F186", "F197"),
        ("generation",),
        ("generation",),
        ("temperature_of_softmax", "top_k_and_top_p", "multinomial", "beam_search_tree"),
    ),
    Lesson(
        "codebase",
        "How it is built",
        (
            "A training run is one pure function of a key and of numbers. Steps are a scan over it, seeds and settings are "
            "an axis of it, and devices share that axis. So a sweep is a few compiled programs, and a run that was killed "
            "goes on as if nothing had happened.",
            "The smallest run and a search that stops bad settings early show how it is used.",
        ),
        ("F198", "F205"),
        ("digits", "halving", "halving_grid"),
    ),
)
