from __future__ import annotations

import importlib.util

import pytest
from onnx import TensorProto, helper

from fbinpaint_mm.export import ExportError
from fbinpaint_mm.export.onnx_format import OnnxFormat, check_model
from fbinpaint_mm.user_error import UserError

RELU = helper.make_node('Relu', ['x'], ['y'])


def model_of(node, version=17, **options):
    """A valid model, but for what the node asks for."""
    x, s, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in 'xsy')
    condition = helper.make_tensor_value_info('c', TensorProto.BOOL, [])
    graph = helper.make_graph([node], 'graph', [x, s, condition], [y])
    opset = [helper.make_opsetid('', version)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, **options)


def branches(inner):
    """An If with a node inside of a branch."""
    out = [helper.make_tensor_value_info('z', TensorProto.FLOAT, [1])]
    body = helper.make_graph([inner], 'branch', [], out)
    return helper.make_node('If', ['c'], ['y'], then_branch=body, else_branch=body)


def test_standard_operators_pass():
    check_model(model_of(RELU))
    check_model(model_of(branches(helper.make_node('Erf', ['x'], ['z']))))


@pytest.mark.parametrize(
    ('node', 'message'),
    [
        (helper.make_node('Gelu', ['x'], ['y']), 'No Op registered for Gelu'),  # since opset 20
        (helper.make_node('Upsample', ['x', 's'], ['y']), 'Upsample is deprecated'),
        (helper.make_node('ATen', ['x'], ['y'], domain='org.pytorch.aten'), 'org.pytorch.aten'),
        # Since opset 18.
        (branches(helper.make_node('Mish', ['x'], ['z'])), 'No Op registered for Mish'),
    ],
)
def test_other_operators_are_named_in_one_line(node, message):
    with pytest.raises(ExportError, match=rf'torch wrote an invalid ONNX file: .*{message}.*$'):
        check_model(model_of(node))


def test_another_opset_or_domain_is_named():
    with pytest.raises(ExportError, match=r'not in opset 17 of ONNX: ai\.onnx 18$'):
        check_model(model_of(RELU, version=18))
    model = model_of(RELU)
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    with pytest.raises(ExportError, match=r'not in opset 17 of ONNX: com\.microsoft 1$'):
        check_model(model)


def test_functions_of_its_own_are_named():
    add = helper.make_node('Add', ['a', 'a'], ['b'])
    opset = [helper.make_opsetid('', 17)]
    function = helper.make_function('own', 'Double', ['a'], ['b'], [add], opset)
    with pytest.raises(ExportError, match=r'own::Double'):
        check_model(model_of(RELU, functions=[function]))


def test_missing_packages_are_named_with_the_command(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'onnx' else real(name)
    )
    with pytest.raises(UserError) as error:
        OnnxFormat()
    assert str(error.value) == "onnx: not installed. Run: pip install 'fbinpaint_mm[export]'"
