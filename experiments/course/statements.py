"""The map of the course: what the notes claim about experience. The report says which claims hold (experiments/report)."""

from experiments.course.records import Statement

STATEMENTS = (
    Statement("C1", "ReLU trains better than the sigmoid"),
    Statement("C2", "tanh trains better than the sigmoid"),
    Statement("C3", "GELU trains better than ReLU"),
    Statement("C4", "about half of ReLU's activations are 0, and its units can die"),
    Statement("C5", "L1 makes weights sparse, L2 small alike"),
    Statement("C6", "L2 gives the better results"),
    Statement("C7", "early stopping, dropout and regularization reduce overfitting"),
    Statement("C8", "large learning rates overshoot, small ones are slow, decaying ones are best"),
    Statement("C9", "many inaccurate steps beat one good one at equal work"),
    Statement("C10", "momentum gets over humps"),
    Statement("C11", "restarts help, and more dimensions need more of them"),
    Statement("C12", "each case of transfer learning is best in its own quadrant"),
    Statement("C13", "LSTM and GRU remember longer than a simple cell, and GRU with fewer parameters"),
    Statement("C14", "residual connections and layer norms help deep networks"),
    Statement("C15", "dividing scores by √d_k avoids tiny gradients"),
    Statement("C16", "learned and sinusoidal positions do equally well"),
    Statement("C17", "a higher top-k gives more varied and less coherent text"),
    Statement("C18", "beam search finds more probable texts, and greedy ones repeat themselves"),
    Statement("C19", "a bag of words ignores order and unknown words"),
    Statement("C20", "larger models are better"),
    Statement("C21", "GPT needs about four tokens for three words"),
    Statement("C22", "a base model does not answer, a fine-tuned one does"),
)
