from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from fbinpaint_mm import compat
from fbinpaint_mm.export import ExportError
from fbinpaint_mm.export.onnx_format import OnnxFormat, check_opset

FLOAT = helper.make_tensor_value_info('x', TensorProto.FLOAT, [1])


def model_of(*nodes, version=17, **options):
    outputs = [helper.make_tensor_value_info('y', TensorProto.FLOAT, [1])]
    graph = helper.make_graph(nodes, 'graph', [FLOAT], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', version)], **options)


def branches(inner):
    """An If with a node inside of a branch."""
    out = [helper.make_tensor_value_info('z', TensorProto.FLOAT, [1])]
    body = helper.make_graph([inner], 'branch', [], out)
    return helper.make_node('If', ['c'], ['y'], then_branch=body, else_branch=body)


def test_standard_operators_pass():
    check_opset(model_of(helper.make_node('Relu', ['x'], ['y'])))
    check_opset(model_of(branches(helper.make_node('Erf', ['x'], ['z']))))


@pytest.mark.parametrize(
    ('node', 'name'),
    [
        (helper.make_node('Gelu', ['x'], ['y']), 'ai.onnx::Gelu'),  # since opset 20
        (helper.make_node('Upsample', ['x', 's'], ['y']), 'ai.onnx::Upsample'),  # until opset 9
        (helper.make_node('ATen', ['x'], ['y'], domain='org.pytorch.aten'), 'pytorch.aten::ATen'),
        (branches(helper.make_node('Mish', ['x'], ['z'])), 'ai.onnx::Mish'),  # since opset 18
    ],
)
def test_other_operators_are_named(node, name):
    with pytest.raises(ExportError, match=rf'not in opset 17 of ONNX: .*{name}$'):
        check_opset(model_of(node))


def test_another_opset_or_domain_is_named():
    relu = helper.make_node('Relu', ['x'], ['y'])
    with pytest.raises(ExportError, match=r'not in opset 17 of ONNX: ai\.onnx 18$'):
        check_opset(model_of(relu, version=18))
    model = model_of(relu)
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    with pytest.raises(ExportError, match=r'not in opset 17 of ONNX: com\.microsoft 1$'):
        check_opset(model)


def test_functions_of_its_own_are_named():
    function = onnx.helper.make_function(
        'own',
        'Double',
        ['a'],
        ['b'],
        [helper.make_node('Add', ['a', 'a'], ['b'])],
        [helper.make_opsetid('', 17)],
    )
    model = model_of(helper.make_node('Relu', ['x'], ['y']), functions=[function])
    with pytest.raises(ExportError, match=r'own::Double'):
        check_opset(model)


def test_missing_packages_are_named_with_the_command(monkeypatch):
    real = compat.importlib.util.find_spec
    monkeypatch.setattr(
        compat.importlib.util, 'find_spec', lambda name: None if name == 'onnx' else real(name)
    )
    with pytest.raises(ImportError) as error:
        OnnxFormat()
    assert str(error.value) == "onnx: not installed. Run: pip install 'fbinpaint_mm[export]'"
