"""Every public file that the project can download, each with the digest of its bytes (F182).

Digests marked (local) were computed from a copy of the file. The others are those that TensorFlow Datasets (MNIST,
Fashion-MNIST, CIFAR-10) pins for the same urls and that users of UCI's SMS Spam archive publish for its content.
"""

from nn_core.data.download import Source

_MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_FASHION_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # the authors' own address has no https
)
_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
_MNIST_LICENCE = "CC BY-SA 3.0 (Y. LeCun, C. Cortes)"


def _mnist(name: str, size: int, sha256: str) -> Source:
    return Source(f"mnist/{name}", tuple(url + name for url in _MNIST_MIRRORS), (sha256,), size, _MNIST_LICENCE)


def _fashion(name: str, size: int, sha256: str) -> Source:
    urls = tuple(url + name for url in _FASHION_MIRRORS)
    return Source(f"fashion_mnist/{name}", urls, (sha256,), size, "MIT (Zalando SE)", allow_http=True)


def _multi30k(part: str, language: str, size: int, sha256: str) -> Source:
    return Source(
        f"multi30k.{part}.{language}",
        (f"{_MULTI30K}{part}.{language}.gz",),
        (sha256,),
        size,
        "for research; captions of Flickr30k (multi30k.github.io)",
        unpack="gzip",
    )


SOURCES: dict[str, Source] = {
    "shakespeare": Source(
        "tinyshakespeare.txt",
        ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
        ("86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",),  # (local)
        1_115_394,
        "public domain",
    ),
    "sms_spam": Source(
        "SMSSpamCollection",
        (
            "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",
            "https://f001.backblazeb2.com/file/LLMs-from-scratch/sms%2Bspam%2Bcollection.zip",
        ),
        (
            "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",  # UCI: 5,574 messages
            "1093dd5fbe517709153ef79541e54b0186315b42e7978383928a4ae5d8222ff6",  # (local) a copy with 5,549 messages
        ),
        477_907,
        "CC BY 4.0 (T. Almeida, J. Hidalgo)",
        unpack="zip:SMSSpamCollection",
    ),
    "mnist_train_images": _mnist(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "mnist_train_labels": _mnist(
        "train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "mnist_t10k_images": _mnist(  # (local)
        "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "mnist_t10k_labels": _mnist(  # (local)
        "t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
    "fashion_mnist_train_images": _fashion(
        "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    "fashion_mnist_train_labels": _fashion(
        "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    "fashion_mnist_t10k_images": _fashion(
        "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    "fashion_mnist_t10k_labels": _fashion(
        "t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
    "cifar10": Source(
        "cifar-10-binary.tar.gz",
        ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        ("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",),
        170_052_171,
        "research use with citation (A. Krizhevsky, 2009)",
    ),
    "multi30k_train_en": _multi30k(  # (local), as the three below: the digests of the unpacked files
        "train", "en", 1_801_238, "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6"
    ),
    "multi30k_train_fr": _multi30k(
        "train", "fr", 2_111_303, "5925a3c18f1587b6b54b87743106e6e8ab93618edb6f65d19eac0621f853a10d"
    ),
    "multi30k_val_en": _multi30k(
        "val", "en", 63_297, "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227"
    ),
    "multi30k_val_fr": _multi30k(
        "val", "fr", 73_924, "5304e444d842e962b2dda4d816b70b22a1765b15401642b7ca37a67477e708dc"
    ),
}
