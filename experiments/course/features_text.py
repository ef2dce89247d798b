"""The map of the course, F078 to F117: tokens, embeddings and recurrent networks."""

from experiments.course.records import Feature

FEATURES = (
    Feature(
        "F078",
        "Words as tokens",
        ("nn_core.text.trainers:train_words", "nn_core.text.words:split_words"),
        ("tokenizers",),
    ),
    Feature(
        "F079", "Characters as tokens", ("nn_core.text.characters:CharacterTokenizer",), ("tokenizers", "gpt_quick")
    ),
    Feature(
        "F080",
        "Byte-pair encoding, of characters and of bytes",
        ("nn_core.text.sentencepiece:train_bpe", "nn_core.text.trainers:train_byte_bpe"),
        ("tokenizers",),
    ),
    Feature(
        "F081",
        "WordPiece",
        ("nn_core.text.wordpiece:train_wordpiece_vocabulary", "nn_core.text.trainers:train_wordpiece"),
        ("tokenizers",),
    ),
    Feature(
        "F082", "The unigram language model of pieces", ("nn_core.text.sentencepiece:train_unigram",), ("tokenizers",)
    ),
    Feature(
        "F083", "SentencePiece's lossless text", ("nn_core.text.sentencepiece:train_sentencepiece",), ("tokenizers",)
    ),
    Feature("F084", "Special tokens", ("nn_core.text.interface:check_special_tokens",)),
    Feature(
        "F085",
        "Languages without blanks, with long words, with marks",
        ("nn_core.text.trainers:make_pipeline",),
        ("tokenizers",),
    ),
    Feature(
        "F086",
        "Cleaning of texts, kept with the model",
        ("nn_core.text.interface:clean_text", "nn_core.text.tokenizers:load_tokenizer"),
    ),
    Feature(
        "F087",
        "Tokenizers compared by length and by a model's bits per character",
        ("experiments.building.corpus:token_figures",),
        ("tokenizers", "tokens_per_word"),
        ("C21",),
    ),
    Feature(
        "F088",
        "The binary bag of words",
        ("nn_core.text.bag_of_words:BagOfWords", "nn_core.models.bag:BagOfTokens"),
        ("spam",),
        ("C19",),
    ),
    Feature(
        "F089",
        "Spam by a bag of words, and what the bag cannot tell",
        ("nn_core.metrics:class_scores", "nn_core.data.sequences:word_order"),
        ("spam", "word_order", "rnn_spam"),
        ("C19", "C19b"),
    ),
    Feature("F090", "The embedding table", ("nn_core.models.embeddings:Embedding",), ("embeddings",)),
    Feature(
        "F091",
        "word2vec by skip-gram",
        ("nn_core.models.embeddings:skip_gram_losses", "nn_core.training.word_vectors:make_word_training"),
        ("word2vec",),
        ("W1",),
    ),
    Feature(
        "F092",
        "word2vec by CBOW",
        ("nn_core.models.embeddings:cbow_losses", "nn_core.training.word_vectors:make_word_training"),
        ("word2vec",),
        ("W1",),
    ),
    Feature(
        "F093",
        "GloVe",
        ("nn_core.models.embeddings:glove_losses", "nn_core.training.word_vectors:make_glove_training"),
        ("glove",),
    ),
    Feature(
        "F094",
        "FastText: a word from its pieces",
        ("nn_core.models.embeddings:fasttext_losses", "nn_core.text.ngrams:word_ngrams"),
        ("fasttext",),
    ),
    Feature(
        "F095",
        "Vectors that depend on the sentence",
        ("nn_core.models.transformer.encoder:Encoder",),
        ("contextual_vectors",),
    ),
    Feature(
        "F096",
        "Vectors of documents, nodes, users, items and images",
        (
            "nn_core.text.word_evaluation:mean_vectors",
            "nn_core.data.graphs:karate_walks",
            "nn_core.models.embeddings:MatrixFactorization",
            "nn_core.models.embeddings:JointSpace",
        ),
        ("document_vectors", "graph_vectors", "recommender", "joint_space"),
    ),
    Feature("F097", "Embeddings learned with the task", ("experiments.studies.embeddings:run",), ("embeddings",)),
    Feature(
        "F098",
        "Objectives without labels: context, masked words, contrast, next sentence",
        (
            "nn_core.models.embeddings:skip_gram_losses",
            "nn_core.models.embeddings:info_nce_losses",
            "nn_core.models.transformer.encoder:Pretraining",
            "nn_core.tasks.masked_words:masked_loss",
        ),
        ("word2vec", "joint_space", "bert_quick", "t5_pretrain"),
    ),
    Feature(
        "F099",
        "Pre-trained vectors, loaded and tuned",
        ("nn_core.text.vectors:load_word_vectors", "nn_core.models.flattened:FlattenedEmbeddings"),
        ("embeddings",),
    ),
    Feature(
        "F100", "Similarity by dot product and cosine", ("nn_core.text.vectors:WordVectors",), ("word2vec",), ("W1",)
    ),
    Feature(
        "F101",
        "Analogies",
        ("nn_core.text.vectors:WordVectors", "nn_core.text.word_evaluation:analogy_accuracy"),
        ("word2vec",),
    ),
    Feature(
        "F102",
        "Vectors drawn in the plane",
        ("nn_core.text.projection:principal_components", "nn_core.text.projection:tsne"),
        ("word2vec",),
    ),
    Feature(
        "F103",
        "How good are word vectors?",
        ("nn_core.text.word_evaluation:word_pair_score", "nn_core.text.word_evaluation:centroid_accuracy"),
        ("word2vec",),
    ),
    Feature(
        "F104",
        "Practice with vectors: unit length, unseen words, bias",
        ("nn_core.text.word_evaluation:association_bias", "nn_core.text.ngrams:unseen_vector"),
        ("fasttext",),
    ),
    Feature(
        "F105",
        "Vectors laid end to end before a network",
        ("nn_core.models.flattened:FlattenedEmbeddings",),
        ("embeddings",),
    ),
    Feature(
        "F106",
        "Recommendations by matrix factorization, and the cold start",
        ("nn_core.models.embeddings:MatrixFactorization",),
        ("recommender",),
    ),
    Feature(
        "F107",
        "Images and words in one space",
        ("nn_core.models.embeddings:JointSpace", "nn_core.models.embeddings:info_nce_losses"),
        ("joint_space",),
    ),
    Feature("F108", "Vectors that change with time: left out, research without a settled method"),
    Feature(
        "F109",
        "Uses in language processing: similarity, spam, tags, opinions, answers, translation",
        ("experiments.building.sequences:build", "experiments.pipelines.tasks:TASKS"),
        ("rnn_spam", "tagging", "embeddings", "toy_translation", "bert_quick"),
    ),
    Feature(
        "F110",
        "The simple recurrent network",
        ("nn_core.models.recurrent.cells:cell_step", "nn_core.models.recurrent.cells:scan_cell"),
        ("rnn_memory",),
    ),
    Feature(
        "F111",
        "LSTM",
        ("nn_core.models.recurrent.cells:cell_step", "nn_core.models.recurrent.layers:RecurrentLayer"),
        ("rnn_memory", "rnn_text"),
        ("C13a",),
    ),
    Feature(
        "F112",
        "GRU",
        ("nn_core.models.recurrent.cells:cell_step", "nn_core.models.recurrent.layers:RecurrentLayer"),
        ("rnn_memory",),
        ("C13a", "C13b"),
    ),
    Feature(
        "F113",
        "One or many inputs, one or many outputs",
        (
            "nn_core.models.recurrent.networks:SequenceToOne",
            "nn_core.models.recurrent.networks:SequenceTagger",
            "nn_core.models.recurrent.networks:RecurrentLanguageModel",
            "nn_core.models.recurrent.networks:SequenceToSequence",
        ),
        ("rnn_spam", "rnn_text", "tagging", "addition"),
    ),
    Feature(
        "F114",
        "Gradients that vanish or explode over time",
        ("experiments.studies.gradient_by_lag:run", "nn_core.optimizers:clip_by_global_norm"),
        ("gradient_by_lag", "gradient_clipping", "rnn_memory"),
        ("C13a",),
    ),
    Feature("F115", "Sequences of any length, with padding", ("nn_core.models.recurrent.layers:final_hidden",)),
    Feature("F116", "Time series", ("nn_core.tasks.sequence_records:forecasts",), ("forecasting",)),
    Feature(
        "F117",
        "A sequence from a sequence",
        ("nn_core.models.recurrent.networks:SequenceToSequence", "nn_core.tasks.sequence_records:decoded"),
        ("addition",),
    ),
)
