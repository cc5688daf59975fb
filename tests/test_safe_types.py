import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from fbinpaint_mm.safe_loading import UntrustedCheckpointError, read_checkpoint
from fbinpaint_mm.safe_types import Array, statistic


@pytest.fixture
def saved(tmp_path):
    """What is read of a checkpoint that holds a value."""

    def save_and_read(value):
        torch.save(dict(value=value), tmp_path / 'x.pth')
        return read_checkpoint(tmp_path / 'x.pth')['value']

    return save_and_read


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments, state)

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    'value',
    [
        np.float32(0.1),
        np.int64(-7),
        np.bool_(True),
        np.str_('name'),
        np.complex128(1 + 2j),
        np.dtype('>f8').type(3.5),
    ],
)
def test_numbers_and_text_of_numpy_come_back(saved, value):
    found = saved(value)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    'value',
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(3, dtype='>i2'),
        np.array(['a', 'bcd']),
        np.zeros((0, 4), bool),
        np.array(2.5),
        np.random.default_rng(0).bit_generator.random_raw(4),
    ],
)
def test_arrays_come_back_and_are_saved_as_numpys_own(saved, value):
    found = saved(value)
    np.testing.assert_array_equal(found, value)
    native = value.dtype.newbyteorder('=')  # as numpy's own reading gives it
    assert (found.dtype, found.shape) == (native, value.shape)
    assert type(pickle.loads(pickle.dumps(found))) is np.ndarray


def test_the_random_state_of_numpy_comes_back(saved):
    state = np.random.RandomState(3).get_state()
    generator = np.random.RandomState()
    generator.set_state(saved(state))
    assert generator.rand() == np.random.RandomState(3).rand()


def test_the_log_of_a_training_comes_back_and_goes_on(saved):
    log = saved(HistoryBuffer([1.0, 2.0, 6.0], [1, 1, 1]))
    log.update(3.0)
    assert (log.mean(), log.statistics('max'), log.current()) == (3.0, 6.0, 3.0)
    assert saved(log).mean() == 3.0


INT64 = ('i8', False, True)
# The state of a dtype ends in flags: 1 says that its values are addresses of objects.
FORGED = Calls(np.dtype, *INT64, state=(3, '<', None, None, None, -1, -1, 1))


def test_forged_flags_of_a_type_do_not_count(saved):
    """numpy itself believes them, and takes numbers of the file for addresses of objects."""
    reconstruct, arguments, _ = np.zeros(1, np.int64).__reduce__()
    assert pickle.loads(pickle.dumps(FORGED)).hasobject
    found = saved(Calls(reconstruct, *arguments, state=(1, (1,), FORGED, False, bytes(8))))
    assert not found.dtype.hasobject
    assert found.tolist() == [0]


@pytest.mark.parametrize(
    ('value', 'named'),
    [
        (np.array([{}]), 'numpy.dtype'),
        (np.zeros(1, [('a', 'O')]), 'numpy.dtype'),
        (np.zeros(1, 'V8'), 'numpy.dtype'),
        (np.datetime64('2026-11-29'), 'numpy.dtype'),
        (Calls(getattr, HistoryBuffer, 'register_statistics'), 'getattr'),
        (Calls(getattr, np.ndarray, 'tofile'), 'getattr'),
        (Calls(getattr, 'text', 'format'), 'getattr'),
        (Calls(np.fromfile, '/etc/hostname'), 'numpy.fromfile'),
        (Calls(eval, '1'), 'eval'),
    ],
)
def test_other_types_and_functions_are_refused_by_name(saved, value, named):
    with pytest.raises(UntrustedCheckpointError, match=rf"x\.pth' calls '{named}"):
        saved(value)


def test_an_array_takes_no_memory_of_others():
    """numpy's constructor would take any buffer, offset and strides."""
    assert Array((4,), 'f8', b'12345678').shape == (0,)


def test_only_statistics_of_logs_are_given():
    assert statistic(HistoryBuffer, 'mean') is HistoryBuffer.mean
    with pytest.raises(pickle.UnpicklingError, match='getattr'):
        statistic(HistoryBuffer, '__init__')
