import numpy as np
import pytest

from nn_core.data.ratings import generated_ratings


def test_the_parts_are_what_their_names_say():
    r = generated_ratings(num_users=41, num_items=37, per_user=11, cold=0.2, seed=3)
    trained_users, trained_items = set(r.train_N2[:, 0].tolist()), set(r.train_N2[:, 1].tolist())
    assert not trained_users & set(r.cold_users_L2[:, 0].tolist())
    assert not trained_items & set(r.cold_items_K2[:, 1].tolist())
    assert set(r.cold_items_K2[:, 0].tolist()) <= trained_users
    pairs = [
        tuple(pair) for part in (r.train_N2, r.test_M2, r.cold_items_K2, r.cold_users_L2) for pair in part.tolist()
    ]
    assert len(pairs) == len(set(pairs))
    for places, ratings in ((r.train_N2, r.train_N), (r.test_M2, r.test_M), (r.cold_items_K2, r.cold_items_K)):
        assert len(places) == len(ratings) > 0 and np.isfinite(ratings).all()
    assert r.content_IF.shape == (37, 8) and set(np.unique(r.content_IF)) == {0, 1}


def test_the_seed_decides_everything_and_what_cannot_be_is_told():
    first, again, other = (generated_ratings(seed=seed) for seed in (0, 0, 1))
    assert (first.train_N == again.train_N).all() and len(first.train_N) != len(other.train_N)
    with pytest.raises(ValueError, match="per_user"):
        generated_ratings(num_items=20, per_user=21)
