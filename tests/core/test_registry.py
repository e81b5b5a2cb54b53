"""Every model class by its name, and what can be chosen of each kind."""

import abc
import types

import pytest

import motornet_nb as mn
from motornet_nb.core import registry
from motornet_nb.core.model import Model, from_config
from motornet_nb.core.parameters import number
from motornet_nb.core.registry import REGISTRY, choices, class_of, offer, overview, readable_name, type_name


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    "What a test defines and offers is forgotten after it."
    monkeypatch.setattr(registry, "_OFFERED", {kind: dict(names) for kind, names in registry._OFFERED.items()})
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.fixture
def Tool():
    "A kind of thing, of a user."

    class Tool(Model):
        "Something to hold."

    return Tool


def defined(source: str, module: str, **names):
    "What a script or a cell of a notebook defines."
    space = {"__name__": module, "mn": mn, "Model": Model, "number": number, **names}
    exec(source, space)
    return space


RULER = (
    "class LongRuler(Tool):\n    'A ruler.\\n\\n    Of wood.'\n    length = number({}, 'm', 'its length', at_least=0)"
)


def test_a_class_defined_anywhere_can_be_chosen(Tool):
    "In a notebook's cell or in a module; it can be made, and rebuilt from its configuration."
    for module in ("__main__", "my.tools"):
        ruler = defined(RULER.format(0.3), module, Tool=Tool)["LongRuler"]
        assert ruler in choices(Tool).values() and choices(Model)[readable_name(ruler)] is not None
        assert from_config(ruler(0.5).to_config()) == ruler(0.5)
        assert type_name(ruler) == f"{module}.LongRuler" and REGISTRY[f"{module}.LongRuler"] is ruler
    assert list(choices(Tool)) == ["long ruler", "my.tools.LongRuler"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (mn.Task, "my reach"),
        (mn.Muscle, "my muscle"),
        (mn.Skeleton, "my skeleton"),
        (mn.Effector, "my effector"),
        (mn.Environment, "my environment"),
    ],
)
def test_subclasses_of_the_packages_classes_can_be_chosen(kind, name):
    "Without another line."
    short = name.title().replace(" ", "")
    made = defined(f"class {short}(kind):\n    'Mine.'", "__main__", kind=kind)[short]
    assert choices(kind)[name] is made and kind not in choices(kind).values()


def test_a_class_defined_again_replaces_the_first(Tool):
    "As when a cell is run twice; also where it was offered under a name."
    first = defined(RULER.format(0.3), "__main__", Tool=Tool)["LongRuler"]
    offer(Tool, "ruler of wood", first)
    assert choices(Tool) == {"ruler of wood": first}
    second = defined(RULER.format(0.4), "__main__", Tool=Tool)["LongRuler"]
    assert choices(Tool) == {"ruler of wood": second} and second().length == 0.4
    assert list(overview(Tool).index) == ["LongRuler"]


def test_private_and_abstract_classes_cannot_be_chosen(Tool):
    class _Hidden(Tool):
        "Nobody's business."

    class Meta(abc.ABCMeta, type(Model)):
        "For an abstract model."

    class Half(Tool, metaclass=Meta):
        "Not done."

        @abc.abstractmethod
        def use(self): ...

    class Whole(Half):
        "Done."

        def use(self):
            return 1

    assert list(choices(Tool).values()) == [Whole]
    assert "_Hidden" not in overview(Tool).index and {"Half", "Whole"} == {*overview(Tool).index}


def test_what_is_offered_comes_first_under_its_name(Tool):
    "Functions too; the same name again replaces it; another kind does not have it."
    ruler = defined(RULER.format(0.3), "__main__", Tool=Tool)["LongRuler"]
    offer(Tool, "two rulers", lambda: ruler(0.6))
    offer(Tool, "long ruler", ruler)
    assert list(choices(Tool)) == ["two rulers", "long ruler"] and choices(Tool)["two rulers"]().length == 0.6
    offer(Tool, "two rulers", lambda: ruler(0.7))
    assert list(choices(Tool)) == ["two rulers", "long ruler"] and choices(Tool)["two rulers"]().length == 0.7
    assert "two rulers" not in choices(Model)
    choices(Tool).clear()
    assert len(choices(Tool)) == 2


def test_the_packages_own_classes_are_chosen_only_where_they_are_offered():
    "A base class is none that a menu should have."
    assert all(cls.__module__.startswith("motornet_nb.") for n, cls in REGISTRY.items() if "." not in n)
    assert mn.Task not in choices(Model).values()
    assert set(registry._OFFERED.get(mn.Task, {})) <= set(choices(mn.Task))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DelayedReach", "delayed reach"),
        ("CompliantTendonArm26", "compliant tendon arm 26"),
        ("PolicyGRU", "policy GRU"),
        ("GRUPolicy", "GRU policy"),
        ("MyXYReach", "my XY reach"),
        ("Arm", "arm"),
        ("my_arm2", "my arm 2"),
        ("_", "_"),
    ],
)
def test_names_that_people_read(name, words):
    assert readable_name(type(name, (), {})) == words


def test_names_in_configurations():
    "Bare within the package; with the module for others, so that two users' classes do not meet."
    assert type_name(mn.TwoDofArm) == "TwoDofArm" and class_of(mn.TwoDofArm()) == {"class": "TwoDofArm"}
    assert class_of(types.SimpleNamespace()) == {"class": "types.SimpleNamespace"}
    assert class_of(3) == {"class": "builtins.int"}


def test_the_table_of_a_kind(Tool):
    "One row a class, with the first line of its docstring, and its parameters."
    defined(RULER.format(0.3), "__main__", Tool=Tool)
    table = overview(Tool)
    assert table.index.name == "class" and list(table.columns) == ["what it is", "parameters"]
    assert table.loc["LongRuler"].tolist() == ["A ruler.", "length"]
    tasks = overview(mn.Task)
    assert {"CenterOutReach", "DelayedReach", "RandomTargetReach"} <= {*tasks.index} and "Task" not in tasks.index
    assert all(tasks["what it is"]) and "n_targets" in tasks.loc["CenterOutReach", "parameters"]
