from __future__ import annotations

import copy

import torch
from torch import nn

from sourcefree.models.weights import weights_fingerprint
from support.classifiers import small_classifier


def test_copies_have_the_fingerprint_of_their_weights_and_no_other_model_has() -> None:
    model = small_classifier()
    expected = weights_fingerprint(model)
    assert len(expected) == 16
    same = copy.deepcopy(model).to(memory_format=torch.channels_last).train().requires_grad_(False)  # type: ignore[call-overload]
    assert weights_fingerprint(same) == expected
    assert weights_fingerprint(small_classifier(1)) != expected
    for name in model.state_dict():
        changed = copy.deepcopy(model)
        value = changed.state_dict()[name].flatten()
        value[-1] = value[-1] + 1
        assert weights_fingerprint(changed) != expected, name


def test_the_order_in_which_layers_are_registered_does_not_count_but_names_types_and_shapes_do() -> None:
    layers = {"a": nn.Linear(2, 3), "b": nn.Linear(3, 2)}
    expected = weights_fingerprint(nn.ModuleDict(layers))
    assert weights_fingerprint(nn.ModuleDict({name: layers[name] for name in ("b", "a")})) == expected
    assert weights_fingerprint(nn.ModuleDict({"a": layers["a"], "c": layers["b"]})) != expected
    assert weights_fingerprint(copy.deepcopy(nn.ModuleDict(layers)).bfloat16()) != expected
    other = copy.deepcopy(nn.ModuleDict(layers))
    other["a"].weight = nn.Parameter(layers["a"].weight.detach().reshape(2, 3))  # the same bytes
    assert weights_fingerprint(other) != expected


def test_a_network_without_weights_and_one_with_an_empty_buffer_have_fingerprints() -> None:
    empty = nn.ReLU()
    empty.register_buffer("nothing", torch.zeros(0, 3))
    assert weights_fingerprint(empty) != weights_fingerprint(nn.ReLU())
