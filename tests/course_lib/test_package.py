"""The package is light and quiet."""

import pkgutil
import subprocess
import sys

import pytest

import course_lib


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_importing_the_package_loads_neither_tensorflow_nor_matplotlib():
    done = run("import course_lib, sys; print({'tensorflow', 'matplotlib'} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr


def test_the_numpy_half_never_loads_tensorflow():
    code = (
        "import sys; from course_lib import rnn_step, to_time_list, stack_outputs, static_rnn,"
        " sequence_mask, masked_mean, last_relevant, recover_wx, X0_BATCH, Y0_PRINTED;"
        "recover_wx(X0_BATCH, Y0_PRINTED); print('tensorflow' in sys.modules)"
    )
    assert run(code).stdout.strip() == "False"


def test_tensorflow_writes_nothing_to_stderr_from_import_to_first_gradient():
    code = (
        "from course_lib import tf, BasicRNNCell, dynamic_rnn\n"
        "x = tf.ones([2, 3, 4])\n"
        "cell = BasicRNNCell(5, 4)\n"
        "f = tf.function(lambda x: dynamic_rnn(cell, x)[0])\n"
        "with tf.GradientTape() as tape:\n"
        "    loss = tf.reduce_sum(f(x))\n"
        "tape.gradient(loss, cell.trainable_variables)\n"
        "import keras; keras.layers.LSTM(2)(x)\n"
        "import os; os.write(2, b'stderr works again')"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "stderr works again")


def test_the_quiet_import_starts_no_thread_beyond_those_of_the_import_itself():
    count = "import os; print(len(os.listdir('/proc/self/task')))"
    if not sys.platform.startswith("linux"):
        pytest.skip("counts threads through /proc")
    plain = run(f"import tensorflow, keras; {count}").stdout
    assert run(f"from course_lib import tf; {count}").stdout == plain


def test_a_failed_import_restores_stderr_and_tells_what_was_written(tmp_path):
    fake = tmp_path / "tensorflow.py"
    fake.write_text("import os; os.write(2, b'no such library'); raise ImportError('broken')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from course_lib import tf"
    done = run(code)
    assert "no such library" in done.stderr
    assert "broken" in done.stderr


def test_every_public_name_can_be_imported():
    for name in course_lib.__all__:
        assert getattr(course_lib, name) is not None
        assert name in dir(course_lib)


def test_no_public_name_is_also_the_name_of_a_module():
    # Importing such a module would put it in the place of the function.
    for package in (course_lib, course_lib.cells, course_lib.unroll, course_lib.backprop):
        modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
        assert not modules & set(package.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"no attribute 'rnn_stpe'"):
        course_lib.rnn_stpe  # noqa: B018
