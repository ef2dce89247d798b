"""The map of the course: what the notes leave open (kind A), and their misprints and outdated remarks (kind T).

Slips that are wrong (M) or contradict each other (C) are rows of `nn_core.formulas.errata`, which shows what they do.
"""

from experiments.course.records import Slip

SLIPS = (
    Slip(
        "S1c",
        "A",
        "Wᵀδ is delta @ kernel.T, input x δ an outer product",
        ("nn_core.by_hand.backpropagation:backpropagate",),
    ),
    Slip("S2", "A", "step(0) = 1", ("nn_core.activations:step", "nn_core.models.perceptron:predict")),
    Slip(
        "S3b",
        "A",
        '"if positive" means the label, not the prediction',
        ("nn_core.models.perceptron:three_case_update",),
    ),
    Slip("S5", "T", "softmax is a soft argmax; the soft maximum is log-sum-exp", ("nn_core.activations:softmax",)),
    Slip(
        "S10",
        "A",
        "the mean loss: the factor 1/m stays, so the rate does not depend on the batch",
        ("nn_core.losses:binary_cross_entropy",),
    ),
    Slip(
        "S11b",
        "A",
        "repeat until a tolerance or the last epoch: separable data have no smallest error",
        ("nn_core.by_hand.gradient_descent:logistic_regression",),
    ),
    Slip(
        "S12", "A", "softmax for one class of many, a sigmoid each for several at once", ("nn_core.tasks.heads:Head",)
    ),
    Slip(
        "S13",
        "A",
        "layers have biases unless use_bias is False; the worked example has none",
        ("nn_core.models.mlp:MLP",),
    ),
    Slip(
        "S16b",
        "A",
        "the missing diagram: x = (.1, .3), w = (.4, -.2), W = .1",
        ("nn_core.by_hand.backpropagation:worked_example",),
    ),
    Slip("S16c", "A", "no rounding before a number is used again", ("nn_core.by_hand.backpropagation:worked_example",)),
    Slip(
        "S17c",
        "A",
        "epochs are one kind of complexity; width and strength are others",
        ("experiments.figures.complexity:complexity",),
    ),
    Slip(
        "S18b",
        "A",
        "gradients λ sign(w) and 2 λ w, 0 at 0; biases and norms are not penalised",
        ("nn_core.regularizers:penalised_leaves",),
    ),
    Slip(
        "S20", "A", "λ [α |w| + (1 - α) w²], with a strength of its own", ("nn_core.regularizers:elastic_net_penalty",)
    ),
    Slip(
        "S21d",
        "A",
        "what is kept is divided by 1 - rate in training, and nothing is changed afterwards",
        ("nn_core.regularizers:dropout",),
    ),
    Slip("S22", "A", "tanh has the larger slope for |x| < 1.6629 only", ("nn_core.activations:tanh_derivative",)),
    Slip("S22b", "T", '"most linear perceptrons": multi-layer perceptrons are meant'),
    Slip(
        "S23b", "A", "half of the units are 0 where their inputs are symmetric around 0", ("nn_core.metrics:sparsity",)
    ),
    Slip(
        "S23c",
        "A",
        "slopes and constants that the notes leave out",
        ("nn_core.activations:selu", "nn_core.activations:leaky_relu"),
    ),
    Slip(
        "S25", "A", "starts around one point and fresh ones; validation chooses", ("nn_core.by_hand.restarts:best_of",)
    ),
    Slip(
        "S26b",
        "T",
        "v_t and w_t are printed as products; μ and β are the same number",
        ("nn_core.optimizers:momentum",),
    ),
    Slip("S27", "A", "t counts from 1", ("nn_core.schedules:inverse_sqrt",)),
    Slip(
        "S31b",
        "A",
        "pairs of the present symbols are merged, not pairs of characters",
        ("nn_core.text.sentencepiece:train_bpe",),
    ),
    Slip(
        "S34",
        "A",
        "GELU in both forms: exact, and by tanh",
        ("nn_core.activations:gelu", "nn_core.activations:gelu_tanh"),
    ),
    Slip(
        "S36b",
        "T",
        '"diminishing" gradients are vanishing ones, over time',
        ("experiments.studies.gradient_by_lag:run",),
    ),
    Slip("S37b", "A", "the weighted vectors are summed", ("nn_core.models.attention.dot_product:apply_weights",)),
    Slip(
        "S38",
        "A",
        "the number of heads must divide the width; 75 is divided by 1, 3, 5, 15, 25 and 75",
        ("nn_core.models.attention.multi_head:head_width",),
    ),
    Slip(
        "S38b",
        "A",
        "a projection follows the concatenated heads",
        ("nn_core.models.attention.multi_head:MultiHeadAttention",),
    ),
    Slip(
        "S41",
        "A",
        "norms stand before attention and feed-forward, or after; over the features of a token",
        ("nn_core.models.transformer.block:Block",),
    ),
    Slip("S44", "T", "the number of windows is steps times batch", ("nn_core.tasks.language:window_starts",)),
    Slip("S45", "A", "learning rate and split are not given: 1e-3 and .9", ("experiments.building.experiment:build",)),
    Slip(
        "S46b", "A", "evaluation is an argument, no mode that a model is left in", ("nn_core.tasks.language:evaluate",)
    ),
    Slip(
        "S47",
        "T",
        "the chart counts steps, not epochs",
        ("experiments.figures.training_and_validation_loss:training_and_validation_loss",),
    ),
    Slip("S49", "A", "the token that crosses the threshold is kept", ("nn_core.generation.filters:keep_top_p",)),
    Slip(
        "S50b",
        "A",
        "filters have no effect on greedy decoding, and are refused there",
        ("nn_core.generation.request:check_greedy",),
    ),
    Slip(
        "S51",
        "A",
        "a position table is the same for every text, and learned",
        ("nn_core.models.attention.positions:position_indices",),
    ),
    Slip("S57", "T", "a count of stars that has long changed"),
    Slip("S58", "T", "PyTorch's names, which nn_core/README.md maps to what is here"),
    Slip("S59", "T", "captions that belong to other pictures"),
    Slip("S61", "A", "one example at a time uses hardware badly; see S28", ("nn_core.data.sampling:epoch_plan",)),
    Slip("S62", "T", "what is left of videos, and headings that come twice"),
    Slip(
        "S63",
        "A",
        "whether more dimensions need more restarts is measured, not assumed",
        ("experiments.studies.restarts:run",),
    ),
)
