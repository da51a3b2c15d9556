"""The reference library of the course: read it, run it, compare your answers with it.

Nothing heavy loads here. A name is imported from its module when it is first used (PEP 562), so
`import course_lib` costs a moment, and the NumPy half never starts TensorFlow::

    from course_lib import rnn_step              # NumPy only
    from course_lib import tf, dynamic_rnn       # imports TensorFlow, quietly
"""

from importlib import import_module
from typing import Any

from course_lib import backprop, cells, fast, unroll  # these are as light as this file

_PACKAGES = {"cells": cells, "unroll": unroll, "backprop": backprop, "fast": fast}

# name -> the module that it is fetched from
_HOMES = {
    name: f"course_lib.{module}"
    for module, names in {
        "quiet": "tf",
        "shapes": "ShapeError DTypeError LengthError check_shape",
        "seeds_data": "INPUT_SEQ TRAIN_X TRAIN_Y UNTRAINED_COST_PRINTED "
        "X0_BATCH X1_BATCH Y0_PRINTED Y1_PRINTED",
        "detective": "recover_wx",
        "masking": "sequence_mask masked_mean last_relevant",
        "cells.layer_norm": "layer_norm",
        "cells.layer_norm_tf": "layer_norm_tf",
        "carrying": "pack_state unpack_state",
        "projection": "project project_tiled mse baseline_errors",
        "tasks": "two_step_sum adding_problem copy_memory first_and_last_bit byte_classes "
        "token_sorting float_sorting",
        "training": "train Report",
        "echo": "make_echo windows EchoNetwork run_epoch evaluate",
        "text": "make_vocabulary text_to_ids ids_to_text one_hot_text one_hot_bytes "
        "language_model_batches sample generate_text bits_per_character",
        "attention": "masked_softmax dot_attention additive_scores additive_attention "
        "pointer_logits",
        "seq2seq": "encode shift_right decode_teacher_forced decode_greedy beam_search exact_match",
        "classification": "add_equals_concat classify_bytes SequenceClassifier",
        "dependence": "depends_on reach",
        "sorting": "TokenSorter PointerSorter sinusoids",
        "corpus": "unicode_names",
        "language_model": "CharacterModel",
        "hoisting": "hoist_input_projection",
        "keras_models": "same_model_in_keras",
        "patients": "admit",
        "clinic": "diagnose",
        "layouts": "to_keras from_keras split_kernel rnn_to_torch rnn_from_torch "
        "lstm_to_tf1 lstm_from_tf1 lstm_to_torch lstm_from_torch "
        "gru_to_tf1 gru_from_tf1 gru_to_torch gru_from_torch",
        **{package: " ".join(content.__all__) for package, content in _PACKAGES.items()},
    }.items()
    for name in names.split()
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next access finds it here, without this detour
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
