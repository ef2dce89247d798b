import jax.numpy as jnp
import numpy as np

from nn_core.models.bag import BagOfTokens


def test_order_number_and_padding_do_not_matter():
    params = {"output": {"kernel": jnp.arange(10.0).reshape(5, 2), "bias": jnp.ones(2)}}
    model = BagOfTokens(2, 5, pad_id=0)
    logits = model.apply({"params": params}, jnp.array([[1, 2, 4], [4, 1, 2], [4, 2, 1]]))
    np.testing.assert_array_equal(logits, np.tile([[2 + 4 + 8 + 1.0, 3 + 5 + 9 + 1.0]], (3, 1)))
    padded = model.apply({"params": params}, jnp.array([[1, 2, 4, 0, 0, 2]]))
    np.testing.assert_array_equal(padded[0], logits[0])
    counted = BagOfTokens(2, 5).apply({"params": params}, jnp.array([[1, 0]]))
    np.testing.assert_array_equal(counted, [[2 + 0 + 1.0, 3 + 1 + 1.0]])
