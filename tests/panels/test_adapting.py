"A copy of a network practises in the background."

import copy

import torch

import motornet_nb as mn
from motornet_nb.panels.adapting import Adapting


def small():
    torch.manual_seed(0)
    env = mn.Environment(mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), mn.CenterOutReach(), duration=0.3)
    return mn.PolicyGRU(env.n_observations, 8, env.n_actions), env


def test_the_copy_learns_as_train_would_teach_it():
    net, env = small()
    heard, ended = [], []
    options = {"batch_size": 8, "engine": "eager"}
    learning = Adapting(net, env, mn.CurlField(8.0), 3, heard.append, lambda: ended.append(True), **options)
    learning.wait(60)
    assert learning.error is None and heard == [3] and ended == [True] and not learning.running
    other = copy.deepcopy(net)
    field = env.replace(task=env.task.replace(loads=[mn.CurlField(8.0)]))
    mn.train(other, field, n_batches=3, learning_rate=1e-3, progress=False, **options)
    learnt = learning.network.state_dict()
    assert all(torch.equal(learnt[name], value) for name, value in other.state_dict().items())
    assert any(not torch.equal(learnt[name], value) for name, value in net.state_dict().items())


def test_what_stops_it_is_known():
    net, env = small()
    learning = Adapting(net, env, mn.CurlField(8.0), 3, batch_size=8, engine="none")
    learning.wait(60)
    assert learning.network is None and "'none'" in str(learning.error)


def test_stopped_it_gives_no_network():
    net, env = small()
    learning = Adapting(net, env, mn.CurlField(8.0), 100000, batch_size=8, engine="eager")
    learning.stop()
    learning.wait(60)
    assert learning.network is None and learning.error is None and not learning.running
