"""The map of the course, F168 to F205: assistants, pre-trained models, generated text, and the codebase itself."""

from experiments.course.records import Feature

FEATURES = (
    Feature(
        "F168",
        "A base model is no assistant",
        ("nn_core.alignment.conversations:make_template", "nn_core.data.assistant_world:questions"),
    ),
    Feature("F169", "Supervised fine-tuning on answers", ("nn_core.alignment.answer_loss:answer_loss",)),
    Feature(
        "F170",
        "The reward model",
        ("nn_core.alignment.preference_loss:preference_loss", "nn_core.data.preferences:preference_pairs"),
    ),
    Feature(
        "F171",
        "Reinforcement learning from a reward, and direct preferences",
        (
            "nn_core.alignment.ppo:policy_loss",
            "nn_core.alignment.grpo:group_loss",
            "nn_core.alignment.dpo:direct_preference_loss",
        ),
    ),
    Feature("F172", "Decoders, encoders and both, side by side"),
    Feature(
        "F173",
        "Translation step by step",
        ("experiments.trained.trace:trace", "nn_core.models.transformer.translation:make_decoder"),
        ("toy_translation",),
    ),
    Feature(
        "F174",
        "Pre-trained models instead of training",
        ("nn_core.pretrained.load:load", "nn_core.pretrained.export:export"),
    ),
    Feature("F175", "pipeline(task): one call for a task", ("experiments.pipelines.run:pipeline",)),
    Feature("F176", "Hugging Face weights in JAX", ("nn_core.pretrained.load:load",)),
    Feature("F177", "The tasks of the notes' pipelines", ("experiments.pipelines.tasks:TASKS",)),
    Feature(
        "F178",
        "Image classification as labels and scores",
        ("experiments.trained.image_classifier:classify",),
        ("digits_cnn", "vit"),
    ),
    Feature(
        "F179",
        "Audio as a toy: tones, chirps, noise; video, segmentation and speech are named only",
        ("nn_core.data.sounds:sounds",),
        ("sounds",),
    ),
    Feature(
        "F180",
        "Fine-tuning, with adapters or whole",
        ("nn_core.transfer.lora:with_lora", "nn_core.transfer.fine_tuning:fine_tune"),
        ("finetune_lora", "finetune_classifier", "transfer"),
    ),
    Feature("F181", "Tokenizers of other libraries", ("nn_core.pretrained.tokenizer_files:read_tokenizer",)),
    Feature(
        "F182", "Data sets by name, with digests", ("nn_core.data.registry:SOURCES", "nn_core.data.download:fetch")
    ),
    Feature("F183", "A page to try a model on", ("experiments.pipelines.page:make_page",)),
    Feature("F184", "Open models beside closed ones: prose only"),
    Feature("F185", "Loss against the number of parameters"),
    Feature(
        "F186",
        "The longest text: new tokens, or all",
        ("nn_core.generation.options:new_token_limits",),
        ("generation",),
    ),
    Feature("F187", "The end token", ("nn_core.generation.decode:generate",), ("generation",)),
    Feature("F188", "Greedy decoding", ("nn_core.generation.filters:take_most_probable",), ("generation",), ("C18b",)),
    Feature("F189", "Tokens drawn at random", ("nn_core.generation.filters:draw_tokens",), ("generation",), ("C18b",)),
    Feature("F190", "Beam search", ("nn_core.generation.beam:beam_search",), ("generation",), ("C18a",)),
    Feature("F191", "Top-k", ("nn_core.generation.filters:keep_top_k",), ("generation",), ("C17",)),
    Feature("F192", "Top-p", ("nn_core.generation.filters:keep_top_p",), ("generation",)),
    Feature("F193", "Temperature", ("nn_core.generation.filters:scale_temperature",), ("generation",)),
    Feature(
        "F194",
        "Filters combined, in a fixed order",
        ("nn_core.generation.filters:filter_logits", "nn_core.generation.options:check_options"),
    ),
    Feature("F195", "Several texts for one prompt", ("nn_core.generation.decode:generate",)),
    Feature("F196", "One compiled loop with a cache", ("nn_core.generation.decode:generate_chunk",)),
    Feature(
        "F197",
        "Decoding strategies compared",
        ("nn_core.generation.measures:self_bleu", "nn_core.generation.measures:repetition_rate"),
        ("generation",),
        ("C17", "C18a", "C18b"),
    ),
    Feature("F198", "One command for every config", ("experiments.run:main",)),
    Feature(
        "F199",
        "Sweeps that a config defines",
        ("experiments.training.plan:expand", "experiments.training.plan:group"),
        ("regularization",),
    ),
    Feature("F200", "A checkpoint restored from its path alone", ("experiments.run_directory.stored_run:load",)),
    Feature("F201", "Runs that go on exactly", ("nn_core.training.restore:restore_latest",)),
    Feature("F202", "Whole chunks of training compiled", ("nn_core.training.program:advance",)),
    Feature("F203", "Pure functions", ("nn_core.training.program:make_program",)),
    Feature("F204", "A package that installs everywhere", ("experiments.command_line.devices:set_up_devices",)),
    Feature("F205", "The notes' missing pictures, drawn again", ("experiments.figures.__main__:main",)),
)
