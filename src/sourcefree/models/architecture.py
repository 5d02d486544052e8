"""What a network is made of, as plain data, so that it can be rebuilt from a file."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torchvision
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from sourcefree.errors import CheckpointError, ConfigError, did_you_mean
from sourcefree.models.classifier import Classifier, channel_adapter, find_head
from sourcefree.models.ensemble import HEAD, EnsembleNetwork, Restandardise
from sourcefree.models.factory import call_factory
from sourcefree.models.pretrained import check_backbone, create_backbone
from sourcefree.models.stem import with_input_channels

Kind = Literal["bottleneck", "timm", "torchvision", "module", "factory", "ensemble", "deep-ensemble"]


@dataclass(frozen=True)
class Architecture:
    """How to build a classifier's network.

    Attributes:
        kind: ``bottleneck``: timm backbone + bottleneck + weight-normalised head, what ``train-source`` trains;
            ``timm`` or ``torchvision``: that library's classifier as it is; ``module``: the user's own nn.Module;
            ``factory``: what a function in the user's own Python file returns;
            ``ensemble``: several of them, mixed;
            ``deep-ensemble``: one of them several times, each with what stands before it, averaged.
        name: the library's name of the backbone or model; the class name for ``module``.
        num_classes: K.
        bottleneck: width of the bottleneck, for kind ``bottleneck``.
        head: name of the final layer, for kind ``module``.
        members: for both kinds of ensemble.
        in_channels: that the network reads: a sensor's own where its first convolution was changed
            (see :mod:`sourcefree.models.stem`), and for a deep ensemble.
        factory: ``file.py:function`` that builds the network, for kind ``factory``.
    """

    kind: Kind
    name: str
    num_classes: int
    bottleneck: int = 256
    head: str = ""
    members: tuple[Architecture, ...] = ()
    in_channels: int = 3
    factory: str = ""

    def build(self, *, pretrained: bool = False, own: Sequence[nn.Module] = ()) -> tuple[nn.Module, str]:
        """Return the network and the name of its final layer.

        Args:
            pretrained: start from the library's weights.
            own: networks for the parts of kind ``module``, in their order; see :meth:`own_parts`.

        Raises:
            ConfigError: the library does not know the name.
            CheckpointError: a network of the user's own is needed, and not given.
        """
        return self._build(pretrained, iter(own))

    def own_parts(self) -> list[str]:
        """Return the class names of the networks that only their author can build."""
        if self.kind == "module":
            return [self.name]
        # The members of a deep ensemble are made of the same networks.
        parts = self.members[:1] if self.kind == "deep-ensemble" else self.members
        return [name for part in parts for name in part.own_parts()]

    def _build(self, pretrained: bool, own: Iterator[nn.Module]) -> tuple[nn.Module, str]:
        if self.kind == "deep-ensemble":
            return self._deep_ensemble(list(own)), HEAD
        network, head = self._network(pretrained, own)
        return (network if self.in_channels == 3 else with_input_channels(network, self.in_channels)), head

    def _network(self, pretrained: bool, own: Iterator[nn.Module]) -> tuple[nn.Module, str]:
        if self.kind == "bottleneck":
            return bottleneck_network(self, pretrained=pretrained), "head"
        if self.kind == "factory":
            network = call_factory(self.factory)
            return network, self.head or find_head(network)
        if self.kind == "ensemble":
            built = [member._build(False, own) for member in self.members]
            members = [Classifier(network, head=head, adapter=Restandardise(3)) for network, head in built]
            return EnsembleNetwork(members), HEAD
        if self.kind == "module":
            return _given(own, self.name), self.head
        network = (
            create_backbone(self.name, num_classes=self.num_classes, pretrained=pretrained)
            if self.kind == "timm"
            else _torchvision_model(self.name, self.num_classes)
        )
        return network, find_head(network)

    def _deep_ensemble(self, own: list[nn.Module]) -> nn.Module:
        members = []
        for member in self.members:
            network, head = member._build(False, iter(copy.deepcopy(own)))
            before = channel_adapter(self.in_channels, member.in_channels)
            members.append(Classifier(network, head=head, in_channels=self.in_channels, adapter=before))
        return EnsembleNetwork(members)

    def to_dict(self) -> dict[str, object]:
        """Return plain data that :meth:`from_dict` takes back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Architecture:
        """Return the architecture that :meth:`to_dict` wrote."""
        members = tuple(cls.from_dict(member) for member in data.get("members", ()))
        return cls(**{**data, "members": members})


def _given(own: Iterator[nn.Module], name: str) -> nn.Module:
    network = next(own, None)
    if network is None:
        raise CheckpointError(
            f"the network {name} is your own nn.Module and cannot be built from its file",
            hint="build it in Python and pass it: load_trained(folder, network=my_module)",
        )
    return network


def bottleneck_network(architecture: Architecture, *, pretrained: bool = False) -> nn.Module:
    """Return backbone -> bottleneck (linear + batch norm) -> weight-normalised linear head.

    Reference: [SHOT] section 3 and its code; [SOCKET] uses the same with 256 dimensions.
    """
    backbone = create_backbone(architecture.name, num_classes=0, pretrained=pretrained)
    width = architecture.bottleneck
    bottleneck = nn.Sequential(_linear(_output_width(backbone), width), nn.BatchNorm1d(width))
    head = weight_norm(_linear(width, architecture.num_classes))
    parts = [("backbone", backbone), ("bottleneck", bottleneck), ("head", head)]
    return nn.Sequential(OrderedDict(parts))


def _output_width(backbone: nn.Module) -> int:
    """Return what timm's backbone without a classifier gives: where a hidden layer follows the pooling, its outputs."""
    width = getattr(backbone, "head_hidden_size", None) or backbone.num_features
    return int(width)  # type: ignore[arg-type]


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _torchvision_model(name: str, num_classes: int) -> nn.Module:
    network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=num_classes)
    return network


def parse_architecture(text: str, *, num_classes: int) -> Architecture:
    """Return the architecture that ``timm:NAME`` or ``torchvision:NAME`` names.

    Raises:
        ConfigError: the text has another form, or the library does not know the name.
    """
    library, _, name = text.partition(":")
    if library == "torchvision" and name:
        known = torchvision.models.list_models(module=torchvision.models)
        if name not in known:
            raise ConfigError(f"torchvision has no model {name!r}", hint=did_you_mean(name, known))
        return Architecture(kind="torchvision", name=name, num_classes=num_classes)
    if library == "timm" and name:
        check_backbone(name)
        return Architecture(kind="timm", name=name, num_classes=num_classes)
    raise ConfigError(
        f"{text!r} names no architecture",
        hint="write timm:NAME or torchvision:NAME, or give the folder of a train-source run",
    )
