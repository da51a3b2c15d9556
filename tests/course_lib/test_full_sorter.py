"""The command for the slides' full size: its defaults, and at a tiny size that it stops and goes on."""

import numpy as np
import pytest

from course_lib.full_sorter import length_at, main, parser

TINY = (
    "--length 4 --vocabulary 6 --units 5 --layers 2 --embedding 4 --batch 3 --fresh 20 --growing 2"
).split()


def run(capsys, *more):
    code = main([*TINY, *map(str, more)])
    return code, capsys.readouterr()


def test_its_defaults_are_the_slides_numbers():
    chosen = parser().parse_args([])
    assert (chosen.length, chosen.vocabulary, chosen.units, chosen.layers) == (256, 128, 512, 4)


def test_a_run_in_two_parts_ends_with_the_numbers_of_one(capsys, tmp_path):
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    assert run(capsys, "--steps", 5, "--checkpoint", whole)[0] == 0
    run(capsys, "--steps", 2, "--checkpoint", parts)
    code, said = run(capsys, "--steps", 5, "--checkpoint", parts)
    assert code == 0
    assert "5 steps (from 2)" in said.out
    assert "of the tokens right" in said.out
    with np.load(whole) as a, np.load(parts) as b:
        assert a.files == b.files
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name])


def test_a_checkpoint_of_another_size_is_refused_in_words(capsys, tmp_path):
    path = tmp_path / "sorter.npz"
    run(capsys, "--steps", 1, "--checkpoint", path)
    code, said = run(capsys, "--steps", 2, "--checkpoint", path, "--units", 7)
    assert code == 2
    assert "belongs to another model" in said.err


def test_ctrl_c_says_how_to_go_on(capsys, tmp_path, monkeypatch):
    from course_lib import full_sorter

    def interrupted(*sizes):
        raise KeyboardInterrupt

    monkeypatch.setattr(full_sorter.tasks, "token_sorting", interrupted)
    code, said = run(capsys, "--steps", 3, "--checkpoint", tmp_path / "sorter.npz")
    assert code == 130
    assert "run it again to go on from" in said.out


@pytest.mark.parametrize("full", [4, 8, 20, 256])
def test_sequences_grow_to_their_full_length_and_stay_there(full):
    lengths = [length_at(step, full, 50) for step in range(80)]
    assert (np.diff(lengths) >= 0).all()
    assert set(lengths[50:]) == {full}
    assert max(lengths) == full
