"""The chapters of the course, F061 to F117: training, transfer, words, sequences."""

from experiments.course.records import Lesson

LESSONS = (
    Lesson(
        "descent",
        "Ways down: restarts, momentum, batches, rates",
        (
            "Descent ends where the ground is flat: in a minimum, at a saddle, or in a valley that is not the deepest. "
            "Starting again elsewhere, and taking the best end, is the simplest help; momentum, which keeps part of the "
            "last step, rolls over small humps.",
            "A gradient of few examples is cheap and inaccurate. At equal work many cheap steps can be compared with few "
            "good ones. The learning rate decides the rest: too small is slow, too large overshoots, and a rate that falls "
            "can be large first and small later.",
        ),
        ("F061", "F070"),
        ("restarts", "momentum", "batch_sizes", "learning_rates", "schedules"),
        ("restart", "batches", "rates", "momentum"),
        ("mini_batches",),
    ),
    Lesson(
        "transfer",
        "Transfer learning",
        (
            "A network that has learned one task has learned parts of others: its first layers see edges whatever the "
            "picture shows. Transfer keeps such layers and learns the rest anew.",
            "How much to keep depends on how many new data there are, and on how much they resemble the old ones. The "
            "rule has four cases. The experiment trains each case in each situation, so that the rule can be seen to "
            "hold or to fail.",
        ),
        ("F071", "F077"),
        ("transfer", "digits_cnn", "mnist_cnn"),
        ("transfer",),
        ("transfer_guide", "transfer_cases", "convolutional_network"),
    ),
    Lesson(
        "tokens",
        "Tokens and bags of words",
        (
            "A model reads numbers, so a text is cut into tokens first. Words are many, and unknown ones are lost; "
            "characters are few, and make long sequences. Pieces of words, learned from a text by their frequency, lie "
            "between the two.",
            "The simplest use of tokens forgets their order: a bag of words counts which ones occur. That suffices to find "
            "most spam, and cannot tell who bit whom.",
        ),
        ("F078", "F089"),
        ("tokenizers", "tokens_per_word", "spam", "word_order"),
        ("tokens",),
    ),
    Lesson(
        "embeddings",
        "Embeddings",
        (
            "An embedding gives each word a place in a space. Nobody writes the places down: a small model learns them "
            "while it guesses words from their neighbours, and words that are used alike end near each other.",
            "Directions come to mean something, so that analogies become sums. The same works for documents, for the "
            "nodes of a graph, for users and what they like, and for pictures beside words. Vectors that were learned "
            "without labels help most where labels are few.",
        ),
        ("F090", "F109"),
        (
            *("word2vec", "glove", "fasttext", "embeddings", "document_vectors", "graph_vectors", "recommender"),
            *("joint_space", "contextual_vectors"),
        ),
        ("vectors",),
    ),
    Lesson(
        "recurrent",
        "Recurrent networks",
        (
            "A recurrent network reads one token after the other and keeps a state. The same weights act at each step, so "
            "the length of the sequence is free, and the gradient passes through the same matrix again and again: it "
            "vanishes or explodes.",
            "The gates of LSTM and GRU let a part of the state pass unchanged, so that they remember longer. Inputs and "
            "outputs can be one or many: a class for a text, a tag for each word, the next value of a series, an answer "
            "to a question.",
        ),
        ("F110", "F117"),
        (
            *("rnn_memory", "gradient_by_lag", "gradient_clipping", "rnn_text", "rnn_spam", "tagging", "addition"),
            "forecasting",
        ),
        ("recurrent",),
    ),
)
