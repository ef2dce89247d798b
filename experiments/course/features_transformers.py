"""The map of the course, F118 to F167: transformers and the character GPT."""

from experiments.course.records import Feature

FEATURES = (
    Feature("F118", "Queries, keys and values", ("nn_core.models.attention.multi_head:MultiHeadAttention",)),
    Feature(
        "F119",
        "Scaled dot-product attention",
        ("nn_core.models.attention.dot_product:dot_product_attention",),
        ("attention_scale",),
        ("C15",),
    ),
    Feature(
        "F120", "Several heads", ("nn_core.models.attention.multi_head:MultiHeadAttention",), ("transformer_parts",)
    ),
    Feature(
        "F121",
        "Self-attention, cross-attention, masked attention",
        ("nn_core.models.attention.dot_product:dot_product_attention",),
    ),
    Feature("F122", "The causal mask", ("nn_core.models.attention.dot_product:causal_mask",)),
    Feature(
        "F123",
        "Attention drawn as heat maps",
        ("nn_core.models.transformer.language_model:attention_maps", "experiments.figures.language_model:attention"),
    ),
    Feature("F124", "The token embedding", ("nn_core.models.transformer.gpt:GPT",), ("gpt_quick",)),
    Feature(
        "F125",
        "Learned positions",
        ("nn_core.models.transformer.gpt:GPT", "nn_core.models.attention.positions:position_indices"),
    ),
    Feature(
        "F126",
        "Sinusoidal positions",
        ("nn_core.models.attention.positions:sinusoidal_positions",),
        ("positions",),
        ("C16",),
    ),
    Feature(
        "F127",
        "Tokens and positions added",
        ("nn_core.models.transformer.gpt:GPT", "nn_core.models.transformer.language_model:embedding_norm_ratio"),
    ),
    Feature("F128", "The feed-forward block", ("nn_core.models.transformer.block:FeedForward",)),
    Feature(
        "F129", "Residual connections", ("nn_core.models.transformer.block:Block",), ("transformer_parts",), ("C14a",)
    ),
    Feature("F130", "Layer normalization", ("nn_core.models.layers:LayerNorm",), ("transformer_parts",), ("C14b",)),
    Feature("F131", "The transformer block", ("nn_core.models.transformer.block:Block",), ("transformer_parts",)),
    Feature(
        "F132",
        "The whole model, and its number of parameters",
        ("nn_core.models.transformer.gpt:GPT", "nn_core.models.transformer.language_model:parameter_count"),
        ("gpt_shakespeare",),
    ),
    Feature(
        "F133",
        "The seven keys of the course's configuration",
        ("experiments.building.models.gpt:make",),
        ("gpt_shakespeare",),
    ),
    Feature(
        "F134",
        "Shapes, batches, probabilities of each position",
        ("nn_core.models.transformer.language_model:token_losses",),
    ),
    Feature("F135", "The encoder", ("nn_core.models.transformer.encoder:Encoder",)),
    Feature("F136", "The decoder that reads a source", ("nn_core.models.transformer.encoder_decoder:EncoderDecoder",)),
    Feature(
        "F137",
        "The original translation model",
        (
            "nn_core.models.transformer.encoder_decoder:EncoderDecoder",
            "nn_core.models.transformer.translation:make_decoder",
        ),
        ("toy_translation", "multi30k", "multi30k_quick"),
        ("E4", "E5"),
    ),
    Feature(
        "F138",
        "BERT",
        ("nn_core.models.transformer.encoder:Pretraining", "nn_core.tasks.masked_words:hide_words"),
        ("bert_quick",),
    ),
    Feature(
        "F139",
        "GPT",
        ("nn_core.models.transformer.gpt:GPT", "nn_core.models.transformer.language_model:make_decoder"),
        ("gpt_quick", "gpt_shakespeare"),
    ),
    Feature(
        "F140",
        "T5",
        (
            "nn_core.models.transformer.encoder_decoder:EncoderDecoder",
            "nn_core.models.attention.positions:RelativeBias",
            "nn_core.data.text_tasks:corrupt",
        ),
        ("t5_quick", "t5_pretrain"),
    ),
    Feature(
        "F141",
        "The parts of LLaMA and BLOOM",
        (
            "nn_core.models.layers:RMSNorm",
            "nn_core.models.attention.positions:rotate",
            "nn_core.models.attention.positions:alibi_bias",
        ),
    ),
    Feature(
        "F142",
        "Attention that is local, strided, linear or relative",
        (
            "nn_core.models.attention.patterns:pattern_mask",
            "nn_core.models.attention.linear:linear_attention",
            "nn_core.models.attention.positions:relative_buckets",
        ),
        ("attention_variants",),
    ),
    Feature(
        "F143",
        "Attention block by block, without a square of memory",
        ("nn_core.models.attention.blockwise:blockwise_attention",),
        ("attention_variants",),
    ),
    Feature("F144", "Computation in bfloat16", ("nn_core.models.transformer.gpt:GPT",)),
    Feature("F145", "Gradients added up over micro-batches", ("nn_core.training.step:make_gradient",)),
    Feature("F146", "Parameters and batches spread over devices", ("nn_core.training.spread:spread",)),
    Feature("F147", "Knowledge distillation", ("nn_core.transfer.distillation:distillation_loss",), ("distillation",)),
    Feature("F148", "Pruning by magnitude", ("nn_core.transfer.pruning:prune",), ("pruning",)),
    Feature("F149", "The context window, and a text that goes past it", ("nn_core.generation.window:make_room",)),
    Feature("F150", "A Vision Transformer", ("nn_core.models.transformer.vit:ViT",), ("vit",)),
    Feature(
        "F151",
        "The character tokenizer and a text that is always there",
        ("nn_core.text.characters:CharacterTokenizer", "nn_core.data.text:load_text"),
        ("gpt_quick",),
    ),
    Feature("F152", "Pairs of a token and the next one", ("nn_core.tasks.language:cut",), ("gpt_quick",)),
    Feature("F153", "Windows of a text", ("nn_core.tasks.language:window_starts",), ("gpt_quick",)),
    Feature(
        "F154",
        "Windows drawn with replacement, as a function of seed and step",
        ("nn_core.tasks.language:window_starts", "nn_core.data.sampling:replacement_plan"),
        ("gpt_quick",),
    ),
    Feature(
        "F155",
        "The course's hyper-parameters",
        ("experiments.building.experiment:build",),
        ("gpt_shakespeare", "gpt_shakespeare_baby"),
    ),
    Feature("F156", "Mini-batches of windows", ("nn_core.tasks.language:batch",), ("gpt_quick",)),
    Feature("F157", "AdamW for a language model", ("nn_core.optimizers:adamw",), ("gpt_shakespeare",)),
    Feature("F158", "The training step", ("nn_core.training.step:make_train_step",), ("gpt_quick",)),
    Feature("F159", "Training and evaluation as a flag", ("nn_core.tasks.language:evaluate",)),
    Feature("F160", "Whatever device there is", ("experiments.command_line.devices:set_up_devices",)),
    Feature("F161", "A sample now and then", ("experiments.training.samples:make_sampler",), ("gpt_shakespeare",)),
    Feature(
        "F162",
        "From random signs to verses: which loss to expect",
        ("nn_core.tasks.language:with_perplexity",),
        ("gpt_quick", "gpt_shakespeare"),
    ),
    Feature(
        "F163",
        "The first part of a text trains, the rest validates",
        ("nn_core.tasks.language:split_tokens",),
        ("gpt_quick",),
    ),
    Feature(
        "F164", "The validation loss, each token counted once", ("nn_core.tasks.language:evaluate",), ("gpt_quick",)
    ),
    Feature("F165", "What is logged, and how often", ("experiments.training.loop:train",), ("gpt_shakespeare",)),
    Feature(
        "F166",
        "The chart of training and validation loss",
        ("experiments.figures.training_and_validation_loss:training_and_validation_loss",),
        ("gpt_shakespeare",),
    ),
    Feature("F167", "A text that goes on from a prompt", ("experiments.trained.writer:stream",), ("gpt_shakespeare",)),
)
