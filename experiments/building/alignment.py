"""Builds the stages from a language model to an assistant: answers, preferences, policies (F168-F171)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.building import assistant_data
from experiments.building.corpus import Corpus
from experiments.building.kept_tokenizer import TOKENIZER, stored_tokenizer
from experiments.building.language import evaluation_hparams, family_of, make_language_module
from experiments.building.ranges import check_batch
from experiments.building.records import Registry
from experiments.building.sources import Source, load_source, same_template, same_vocabulary
from nn_core.alignment.answer_task import Answers, make_answer_task
from nn_core.alignment.by_seed import chosen
from nn_core.alignment.experience import LEARNED, Policy
from nn_core.alignment.heads import LAST, without_heads
from nn_core.alignment.judgement import Speaker
from nn_core.alignment.pair_task import Pairs, make_direct_task, make_reward_task, reference_log_probs
from nn_core.alignment.policy_task import make_policy_task
from nn_core.tasks.base import Data, Task
from nn_core.tasks.supervised import MakeModel
from nn_core.text.interface import Tokenizer

SPLITS = assistant_data.SPLITS


class Parts(NamedTuple):
    """What every stage is built from.

    Attributes:
        make_model: hparams -> GPT.
        reader: texts to tokens.
        speaker: how the model answers.
        source: the run that this one starts from; None: random parameters.
    """

    make_model: MakeModel
    reader: assistant_data.Reader
    speaker: Speaker
    source: Source | None


def parts_of(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None) -> Parts:
    """Model, tokens and start of a stage.

    Raises:
        ValueError: a source that is not there, or a vocabulary that does not fit.
    """
    section, source = config.transfer, None
    if section.source is not None:
        source = load_source(
            section.source, "transfer.source", step=section.step, member=section.member, by_seed=section.by_seed
        )
        found = tokenizer_of(source)
        tokenizer = found if tokenizer is None else tokenizer
        same_vocabulary(tokenizer, found, source)
    elif tokenizer is None:
        tokenizer = assistant_data.world_tokenizer()
    reader = assistant_data.make_reader(config.data, tokenizer)
    make_model = make_language_module(config, tokenizer.vocabulary_size, registry)
    model = make_model(evaluation_hparams(config))
    template = reader.template
    decoder = family_of(config, registry).make_decoder(model)
    speaker = Speaker(model, decoder, config.data.new_tokens, template.end_id, template.pad_id)
    return Parts(make_model, reader, speaker, source)


def tokenizer_of(source: Source) -> Tokenizer:
    """The tokenizer of a run or folder.

    Raises:
        ValueError: it has none: it is not a language model.
    """
    if source.config is not None and not (source.folder / TOKENIZER).is_file():
        raise ValueError(
            f"config.{source.key}={source.path!r} holds a run of task {source.config.task.name!r} without a "
            "tokenizer.json; give one of a language model, such as that of configs/assistant_base.py"
        )
    try:
        return stored_tokenizer(source.folder)
    except ValueError as error:
        raise ValueError(f"config.{source.key}={source.path!r}: {error}") from None


def corpus_of(parts: Parts, **held: Source) -> Corpus:
    """The tokenizer of a run and the digests of the models that it holds as data."""
    return Corpus(parts.reader.tokenizer, {}, held={name: source.digest() for name, source in held.items()})


def holding(task: Task, data: Data, **held: Source) -> tuple[Task, Data]:
    """The task and data with the parameters of other runs: shared where there is one of each, else by the seed."""
    stacks = {name: source.stack for name, source in held.items() if source.stack.seeds_S is not None}
    shared = {
        name: jax.tree.map(lambda leaf: np.asarray(leaf[0]), source.stack.params)
        for name, source in held.items()
        if name not in stacks
    }
    if not stacks:
        return task, data | shared
    inner = task.prepare

    def prepare(data: Data, key: Array) -> Data:
        own = {name: chosen(data[f"{name}_stack"], key, lambda keys: keys.split) for name in stacks}
        return own | inner(data | own, key)

    return task._replace(prepare=prepare), data | shared | {f"{name}_stack": stack for name, stack in stacks.items()}


def build_answers(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple:
    """Supervised fine-tuning on answers."""
    parts, section = parts_of(config, registry, tokenizer), config.data
    data = assistant_data.answer_arrays(parts.reader)
    check_batch(section.batch_size, len(data["train_ids"]), "rows")
    problem = Answers(
        parts.make_model, parts.speaker, section.batch_size, section.evaluation_batch, section.packed, parts.reader.rule
    )
    held = {} if parts.source is None else {"start": plain(parts.source)}
    task, data = holding(make_answer_task(problem), data, **held)
    return task, data, corpus_of(parts)


def plain(source: Source) -> Source:
    """A source without the heads that a language model does not have."""
    return source._replace(stack=source.stack._replace(params=without_heads(source.stack.params)))


def pairs_of(config: ConfigDict, parts: Parts, **more: Any) -> tuple[Pairs, Data]:
    """The problem of learning from pairs, and its arrays."""
    section = config.data
    data = assistant_data.pair_arrays(parts.reader)
    check_batch(section.batch_size, len(data["train_chosen_ids"]), "pairs")
    width = parts.speaker.model.embedding_dim
    return Pairs(parts.make_model, width, section.batch_size, section.evaluation_batch, **more), data


def build_reward_model(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple:
    """A reward model on pairs of answers."""
    parts = parts_of(config, registry, tokenizer)
    problem, data = pairs_of(config, parts, pooling=config.task.pooling)
    return make_reward_task(problem), data, corpus_of(parts)


def build_dpo(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple:
    """Direct preference optimization of the model that the run starts from."""
    parts = parts_of(config, registry, tokenizer)
    reference = plain(needed(parts))
    more = {"speaker": parts.speaker, "rule": parts.reader.rule, "kind": config.task.kind}
    problem, data = pairs_of(config, parts, **more, normalise=config.task.normalise)
    task = make_direct_task(problem)
    if reference.stack.seeds_S is None:  # one reference for all: its log-probabilities are computed once, here
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), reference.stack.params)
        found = jax.jit(lambda params, data: reference_log_probs(problem, params, data, SPLITS))(params, data)
        data = data | jax.device_get(found)
    else:
        task = task._replace(
            prepare=lambda data, key: reference_log_probs(problem, data["reference_params"], data, SPLITS)
        )
    task, data = holding(task, data, reference_params=reference)
    return task, data, corpus_of(parts, reference=reference)


def needed(parts: Parts) -> Source:
    """The source; raises ValueError where there is none."""
    if parts.source is None:
        raise ValueError(
            "config.transfer.source is not set: a policy is held near the model that it starts from; give the run "
            "directory of one, such as checkpoints/assistant_sft"
        )
    return parts.source


def build_policy(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple:
    """PPO or GRPO of the model that the run starts from."""
    settings = config.task
    parts = parts_of(config, registry, tokenizer)
    held = {"reference_params": plain(needed(parts))}
    reward_model, pooling = None, LAST
    if settings.reward == LEARNED:
        held["reward_params"], stored, reward_model = reward_of(config, parts, registry)
        pooling = stored.task.pooling
    elif parts.reader.rule is None:
        raise ValueError("config.task.reward='rule' needs the small world, data.name='assistant_world'; use 'model'")
    policy = Policy(
        method=settings.name,
        speaker=parts.speaker,
        width=parts.speaker.model.embedding_dim,
        reward_model=reward_model,
        pooling=pooling,
        rule=parts.reader.rule,
        prompts=settings.prompts,
        group=settings.group,
        epochs=settings.epochs,
        minibatches=settings.minibatches,
        estimator=settings.estimator,
        weigh=settings.weigh,
        missing_end=settings.missing_end,
    )
    data = assistant_data.prompt_arrays(parts.reader)
    check_batch(settings.prompts, len(data["train_prompts"]), "questions", "task.prompts")
    task, data = holding(make_policy_task(policy, parts.make_model), data, **held)
    return task, data, corpus_of(parts, **held)


def reward_of(config: ConfigDict, parts: Parts, registry: Registry) -> tuple[Source, ConfigDict, Any]:
    """The reward model of a policy, its config and its module.

    Raises:
        ValueError: none is named, the run is not a reward model, or it has another vocabulary or template.
    """
    settings, key = config.task, "task.reward_model"
    if settings.reward_model is None:
        raise ValueError(f"config.{key} is not set; give the run directory of one, such as checkpoints/reward_model")
    source = load_source(settings.reward_model, key, member=settings.reward_member, by_seed=config.transfer.by_seed)
    stored = source.config
    if stored is None or stored.task.name != "reward_model":
        kind = "is a Hugging Face folder" if stored is None else f"holds a run of task {stored.task.name!r}"
        raise ValueError(f"config.{key}={settings.reward_model!r} {kind}; give one of a reward model")
    judge = tokenizer_of(source)
    same_vocabulary(parts.reader.tokenizer, judge, source)
    same_template(parts.reader.tokenizer, judge, source)
    if stored.data.context_size < config.data.context_size:
        raise ValueError(
            f"config.{key}={settings.reward_model!r} reads {stored.data.context_size} tokens, fewer than "
            f"config.data.context_size={config.data.context_size}; train it with that context"
        )
    model = make_language_module(stored, parts.reader.tokenizer.vocabulary_size, registry)(evaluation_hparams(stored))
    return source, stored, model
