from nn_core.data.graphs import EDGES, KARATE_CLUBS, NODES, karate_walks


def test_the_club_has_its_known_numbers():
    assert len(NODES) == 34 and len(EDGES) == 78 == len({frozenset(edge) for edge in EDGES})
    degrees = {name: sum(name in edge for edge in EDGES) for name in NODES}
    assert (degrees["member34"], degrees["member1"], degrees["member33"], degrees["member12"]) == (17, 16, 12, 1)
    assert [len(club) for club in KARATE_CLUBS.values()] == [17, 17]
    club = {name: title for title, names in KARATE_CLUBS.items() for name in names}
    assert sum(club[a] != club[b] for a, b in EDGES) == 11  # as networkx counts


def test_walks_follow_the_edges_and_start_everywhere():
    known = {frozenset(edge) for edge in EDGES}
    walks = [line.split() for line in karate_walks(walks=3, length=7).splitlines()]
    assert len(walks) == 3 * 34 and {walk[0] for walk in walks} == set(NODES)
    for walk in walks:
        assert len(walk) == 7 and all(frozenset(step) in known for step in zip(walk, walk[1:], strict=False))
    assert karate_walks(walks=1) != karate_walks(walks=1, seed=1)
