"""The tables in which a config's names are looked up. A new model or task is one line here."""

from configs import base
from experiments.building import alignment, language, sequences, stage_checks, supervised, text_classes, text_to_text
from experiments.building.corpus import BITS, FIGURES
from experiments.building.models import bag, encoder_decoder, gpt, images, mlp, pretrained, recurrent
from experiments.building.records import EXAMPLES, SCORES, TEXT, TEXT_CLASS, Kind, Model, Registry
from nn_core.activations import ACTIVATIONS
from nn_core.alignment.policy_task import with_coefficient
from nn_core.data.sequence_sources import CLASS, NUMBER, SEQUENCE, TAG
from nn_core.data.sources import DATASETS
from nn_core.optimizers import OPTIMIZERS
from nn_core.tasks.heads import HEADS, TOKENS

MODELS: dict[str, Model] = {
    "mlp": mlp.MODEL,
    "cnn": images.CNN_MODEL,
    "vit": images.VIT_MODEL,
    "gpt": gpt.MODEL,
    "recurrent": recurrent.MODEL,
    "bag": bag.MODEL,
    "pretrained": pretrained.MODEL,
    "encoder_decoder": encoder_decoder.MODEL,
}
POLICY = Kind(
    base.GRPO,
    TEXT,
    alignment.build_policy,
    splits=("validation", "test"),
    optimizer=with_coefficient,
    ranges=stage_checks.ranges_of_policy,
    check=stage_checks.check_policy,
    measures=stage_checks.DRAWN,
    told=(*stage_checks.BESIDE, *stage_checks.BEST),
)
TASKS: dict[str, Kind] = {
    **{name: Kind(base.CLASSIFICATION, EXAMPLES, supervised.build, head) for name, head in HEADS.items()},
    "language": Kind(
        base.LANGUAGE,
        TEXT,
        language.build,
        splits=("train", "validation", "validation_full"),
        measures=("loss", "perplexity"),
        told=("parameters", "embedding_ratio", *FIGURES, BITS),
    ),
    "sequence_classification": Kind(
        base.SEQUENCE_CLASSIFICATION, CLASS, sequences.build, HEADS["classification"], sequences.describe_classes
    ),
    "text_classification": Kind(base.TEXT_CLASSIFICATION, TEXT_CLASS, text_classes.build, HEADS["classification"]),
    "forecasting": Kind(base.FORECASTING, NUMBER, sequences.build, HEADS["regression"], sequences.describe_forecasts),
    "tagging": Kind(base.TAGGING, TAG, sequences.build, TOKENS, sequences.describe_tags),
    "answers": Kind(
        base.ANSWERS,
        TEXT,
        alignment.build_answers,
        splits=("train", "test"),
        measures=stage_checks.ANSWERS,
        told=(stage_checks.START, "trained_share"),
    ),
    "reward_model": Kind(
        base.REWARD_MODEL,
        SCORES,
        alignment.build_reward_model,
        splits=("validation", "test"),
        check=stage_checks.check_reward_model,
        measures=stage_checks.PAIRS,
        told=("calibration_error",),
    ),
    "dpo": Kind(
        base.DPO,
        TEXT,
        alignment.build_dpo,
        splits=("validation", "test"),
        ranges=stage_checks.ranges_of_dpo,
        check=stage_checks.check_dpo,
        measures=stage_checks.DIRECT,
        told=(*stage_checks.BESIDE, "validation_true_reward"),
    ),
    "ppo": POLICY._replace(keys=base.PPO),
    "grpo": POLICY,
    "translation": Kind(base.TRANSLATION, SEQUENCE, sequences.build, TOKENS, sequences.describe_translations),
    "text_to_text": Kind(base.TEXT_TO_TEXT, SEQUENCE, text_to_text.build, TOKENS),
}
REGISTRY = Registry(MODELS, TASKS, ACTIVATIONS, OPTIMIZERS, DATASETS)
