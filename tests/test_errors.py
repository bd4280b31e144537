import copy
import pickle

import pytest

from calib.errors import InputError, LostProcessError, NumericalError


@pytest.mark.parametrize("kind", [InputError, LostProcessError, NumericalError])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_the_way_back_from_a_worker_process(kind: type[InputError], protocol: int) -> None:
    error = kind("n must be 3, got 4", help="count again")
    for back in (pickle.loads(pickle.dumps(error, protocol)), copy.deepcopy(error)):
        assert type(back) is kind
        assert (str(back), back.help) == ("n must be 3, got 4", "count again")


def test_input_errors_are_value_errors() -> None:
    assert issubclass(InputError, ValueError)
    assert issubclass(NumericalError, InputError)
    assert issubclass(LostProcessError, InputError)


def test_an_error_without_help_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="help"):
        InputError("only half an error")  # type: ignore[call-arg]
