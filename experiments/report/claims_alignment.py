"""Claims about the way from a language model to an assistant. A claim is a row.

For a comparison A - B > 0, A is what the claim calls larger.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

PPO, LOOSE, TIGHT = "ppo: beta 0.05", "ppo: beta 0.01", "ppo: beta 1"
GRPO, HELD = "grpo: beta 0.05", "grpo: KL target 1"
ALIGNMENT = (
    Claim(
        "C22",
        "A model that continues text does not answer; fine-tuned on questions and answers it does",
        "alignment",
        "alignment",
        (
            Part(
                "held-out questions answered exactly by the base model, near 0 (± 0.1)",
                Side("assistant_sft: full", "start_exact"),
                0.0,
                tolerance=0.1,
            ),
            Part(
                "held-out questions answered exactly, fine-tuned - base (share)",
                Side("assistant_sft: full", "test_exact"),
                Side("assistant_sft: full", "start_exact"),
                smallest_effect=0.5,
            ),
        ),
    ),
    Claim(
        "F170",
        "A reward model that has learned from ranked answers agrees with people",
        "alignment",
        "alignment",
        (
            Part(
                "held-out pairs ordered rightly - 0.9 (share)",
                Side("reward_model: 4000 pairs, 5 % noise", "test_accuracy"),
                0.9,
            ),
        ),
    ),
    Claim(
        "F171",
        "Fine-tuned with the reward model, the model gives better answers",
        "alignment",
        "alignment",
        (
            Part("true reward, PPO - its start", Side(PPO, "true_reward"), Side(PPO, "reference_true_reward"), 0.1),
            Part(
                "true reward, GRPO - its start",
                Side(GRPO, "true_reward"),
                Side(GRPO, "reference_true_reward"),
                0.1,
            ),
            Part(
                "true reward, DPO - its start",
                Side("dpo: DPO, beta 0.3", "true_reward"),
                Side("dpo: DPO, beta 0.3", "reference_true_reward"),
                0.1,
            ),
        ),
        "The true reward is known here: it is the hidden rule that ranks the pairs.",
    ),
    Claim(
        "F171b",
        "The further a policy goes from its start, the more of its learned reward is not true",
        "alignment",
        "alignment",
        (
            Part("KL, beta 0.01 - beta 1 (nats an answer)", Side(LOOSE, "kl"), Side(TIGHT, "kl")),
            Part(
                "learned - true reward gained, beta 0.01 - beta 1", Side(LOOSE, "overstated"), Side(TIGHT, "overstated")
            ),
            Part("KL, GRPO, beta 0.05 - held near 1 nat", Side(GRPO, "kl"), Side(HELD, "kl")),
            Part(
                "learned - true reward gained, GRPO, beta 0.05 - held near 1 nat",
                Side(GRPO, "overstated"),
                Side(HELD, "overstated"),
            ),
        ),
        "Learned rewards have a unit of their own: both are counted in standard deviations of the start's answers.",
    ),
)
