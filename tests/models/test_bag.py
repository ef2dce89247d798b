import numpy as np

from nn_core.models.bag import BagOfTokens
from tests.jitted import method


def test_order_number_and_padding_do_not_matter():
    params = {"output": {"kernel": np.arange(10, dtype=np.float32).reshape(5, 2), "bias": np.ones(2, np.float32)}}
    model = BagOfTokens(2, 5, pad_id=0)
    logits = np.asarray(method(model)({"params": params}, np.array([[1, 2, 4], [4, 1, 2], [4, 2, 1]])))
    np.testing.assert_array_equal(logits, np.tile([[2 + 4 + 8 + 1.0, 3 + 5 + 9 + 1.0]], (3, 1)))
    padded = np.asarray(method(model)({"params": params}, np.array([[1, 2, 4, 0, 0, 2]])))
    np.testing.assert_array_equal(padded[0], logits[0])
    counted = method(BagOfTokens(2, 5))({"params": params}, np.array([[1, 0]]))
    np.testing.assert_array_equal(counted, [[2 + 0 + 1.0, 3 + 1 + 1.0]])
