"""What is to be examined stays on the trusted side, and whatever is asked there ends in a verdict."""

from __future__ import annotations

import asyncio
import json
import textwrap
from typing import Any

import numpy as np
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder import running
from autograder.engine import Engine
from autograder.exercise import PUBLIC_SEED
from autograder.exercises import shown
from autograder.exercises.n14_fast_and_standard import DIAGNOSE
from autograder.judge import Judge
from autograder.limits import Limits
from autograder.oracles import Desk, Patience, Refused
from autograder.oracles.clinic import Clinic
from autograder.probes import Outcome
from autograder.probes.asking import asking
from autograder.running import Question, Run, run_submission
from autograder.values import NotPlain, decode, encode
from course_lib.cells.state import LSTMStateTuple
from course_lib.patients import HEALTHY, NAMES, admit

CARDS = [
    {"name": name, "seed": seed, "equal biases": False}
    for seed, name in enumerate(["no-bias", HEALTHY])
]


def clinic(**patience: float) -> Desk:
    return Desk([Clinic(CARDS)], Patience(**patience))  # type: ignore[arg-type]


def words(question: str, *arguments: object, case: object = 0) -> str:
    return encode({"case": case, "question": question, "arguments": list(arguments)})


# ------------------------------------------------------------------------------------- a desk


def test_what_is_asked_from_afar_is_what_the_patient_itself_shows() -> None:
    ask = asking(clinic().reply, 0)
    for number, card in enumerate(CARDS):
        patient = admit(str(card["name"]), int(str(card["seed"])))
        D, H = ask("sizes")[number]
        assert (patient.features, patient.units) == (D, H)
        x = np.random.default_rng(1).normal(size=(2, 4, D))
        seen = ask("read", number, x, np.array([4, 2]), [[np.ones((2, H)), np.ones((2, H))]] * 3)
        states = [LSTMStateTuple(c=np.ones((2, H)), h=np.ones((2, H)))] * 3
        own = patient.read(x, [4, 2], states)
        np.testing.assert_array_equal(seen["outputs"], own.outputs)
        np.testing.assert_array_equal(seen["backward"], own.backward)
        np.testing.assert_array_equal(seen["attention"], own.attention)
        np.testing.assert_array_equal(seen["states"][2][0], own.states[2].c)
        np.testing.assert_array_equal(ask("gradient", number, x), patient.gradient(x))
        np.testing.assert_array_equal(
            ask("weights", number)[1]["kernel"], patient.weights()[1]["kernel"]
        )
        np.testing.assert_array_equal(ask("lesson", number, np.arange(4))[1], [1, 2, 3])


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (("name", 0), "cannot be asked that"),
        (("__class__",), "cannot be asked that"),
        (("weights", 2), "no such patient"),
        (("weights", -1), "no such patient"),
        (("weights", True), "no such patient"),
        (("weights", "0"), "no such patient"),
        (("read", 0, "x", None, None), "x: expected an array"),
        (("read", 0, np.ones((2, 3)), None, None), "x: shape is"),
        (("read", 0, np.ones((2, 3, 9)), None, None), "x: shape is"),
        (("read", 0, np.ones((2, 0, 2)), None, None), "x: shape is"),
        (("read", 0, np.ones((1, 101, 2)), None, None), "at most|from 1 to 100"),
        (("read", 0, np.ones((10_001, 1, 2)), None, None), "20002 numbers, at most 20000"),
        (("read", 0, np.ones((1, 2, 2), "c16"), None, None), "x: expected an array"),
        (("gradient", 0, np.ones((21, 50, 2))), "2100 numbers, at most 2000"),
        (("gradient", 0, np.ones(3)), "x: shape is"),
        (("lesson", 0, np.ones((2, 2))), "ids: expected"),
        (("lesson", 0, ["a"]), "ids: expected"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_in_a_sentence(question, why) -> None:
    with pytest.raises(ValueError, match=why):
        asking(clinic().reply, 0)(*question)


@pytest.mark.parametrize("lengths", [np.array([[4, 4]]), np.array([0, 4]), np.array([4.0, 4.0])])
def test_lengths_that_do_not_fit_are_refused(lengths) -> None:
    ask = asking(clinic().reply, 0)
    x = np.ones((2, 4, ask("sizes")[0][0]))
    with pytest.raises(ValueError, match="lengths: expected"):
        ask("read", 0, x, lengths, None)
    with pytest.raises(ValueError, match="lengths: expected"):
        ask("read", 0, x, np.array([4, 2**62]), None)


@pytest.mark.parametrize("states", [[], [[1.0, 2.0]] * 3, [[np.ones((2, 2))]] * 3, 7, [[]] * 1000])
def test_states_that_do_not_fit_are_refused(states) -> None:
    ask = asking(clinic().reply, 0)
    x = np.ones((2, 4, ask("sizes")[0][0]))
    with pytest.raises(ValueError, match="states"):
        ask("read", 0, x, None, states)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_numbers_that_are_none_are_answered_without_a_warning(value, recwarn) -> None:
    ask = asking(clinic().reply, 0)
    D = ask("sizes")[1][0]
    assert ask("read", 1, np.full((1, 3, D), value), None, None)["outputs"].shape[:2] == (1, 3)
    assert ask("gradient", 1, np.full((1, 3, D), value)).shape == (1, 3, D)
    assert not recwarn.list


@pytest.mark.parametrize(
    "text",
    [
        "What ails you?",
        "",
        7,
        None,
        "[" * 100_000,
        json.dumps({"case": 0, "question": "sizes", "arguments": []}),  # not as `encode` writes it
        encode({"case": 0, "question": "sizes"}),
        encode({"case": 0, "question": "sizes", "arguments": [], "more": 1}),
        words("sizes", case=1),
        words("sizes", case=-1),
        words("sizes", case=True),
        words("sizes", case="0"),
        words("read", 0, [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]),
        words("read", 0, [0] * 100_001),
        words("read", 0, "x" * 2**20),
        '{"dict": [["case", 0], ["question", "read"], ["arguments", [{"array": ["|O", [1], "AAAA"]}]]]}',
        '{"dict": [["case", 0], ["question", "read"], ["arguments", [{"array": ["<f8", [99], ""]}]]]}',
        '{"dict": [["case", ' + "9" * 5000 + '], ["question", "sizes"], ["arguments", []]]}',
    ],
    ids=range(18),
)
def test_what_no_stub_writes_is_not_answered_nor_is_anything_after_it(text) -> None:
    desk = clinic()
    with pytest.raises(NotPlain):
        desk.reply(text)
    with pytest.raises(NotPlain):
        desk.reply(words("sizes"))


def test_questions_bytes_and_time_come_to_an_end() -> None:
    for limits, why in (
        ({"questions": 3}, "more than 3 questions"),
        ({"total_bytes": 400}, "came to more than"),
        ({"seconds": 0.0}, "longer than 0 s"),
    ):
        desk = clinic(**limits)
        with pytest.raises(NotPlain, match=why):
            list(map(desk.reply, [words("sizes")] * 10))


def test_a_refusal_is_a_value_error_and_long_ones_are_cut() -> None:
    class Stern:
        def answer(self, question: str, arguments: object) -> object:
            raise Refused("no " * 1000)

    with pytest.raises(ValueError, match="no no") as caught:
        asking(Desk([Stern()]).reply, 0)("may I?")
    assert len(str(caught.value)) == 500


def test_what_a_question_sees_is_a_copy_and_the_same_each_time() -> None:
    ask = asking(clinic().reply, 0)
    ask("weights", 0)[0]["kernel"][:] = 0
    assert ask("weights", 0)[0]["kernel"].any()


def test_a_case_hands_out_nothing_of_what_it_keeps() -> None:
    for case in DIAGNOSE.draw(5):
        assert case.inputs == ()
        assert {card["name"] for card in case.kept} <= {HEALTHY, *NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_trouble_changes_neither_sizes_nor_kinds_of_any_answer(name) -> None:
    """What a patient's answers are made of tells nothing; only the numbers may."""

    def kinds(trouble: str) -> str:
        ask = asking(Desk([Clinic([{"name": trouble, "seed": 3, "equal biases": False}])]).reply, 0)
        D = ask("sizes")[0][0]
        x = np.ones((2, 4, D))
        answers = [
            ask("sizes"),
            ask("weights", 0),
            ask("read", 0, x, np.array([4, 2]), None),
            ask("gradient", 0, x),
            ask("lesson", 0, np.arange(5)),
        ]
        return repr(_shapes(answers))

    assert kinds(name) == kinds(HEALTHY)


def _shapes(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape
    if isinstance(value, list):
        return [_shapes(item) for item in value]
    if isinstance(value, dict):
        return {key: _shapes(item) for key, item in value.items()}
    return type(value).__name__


# ------------------------------------------------------------------------- beside strangers' code

chosen: list[Engine] = []


@pytest.fixture(params=["confined", "ordinary"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every test below runs in both kinds of kernel."""
    chosen[:] = [Engine.choose(sandbox=request.param == "confined")]
    return chosen[0]


beside_strangers = [pytest.mark.slow, pytest.mark.usefixtures("engine")]
LIMITS = Limits(cell_seconds=5, release_seconds=20, notebook_seconds=60)
JUDGE = Judge(DIAGNOSE, PUBLIC_SEED)
DOCTOR = """
def doctor(patient):
    import numpy as np
    inputs, targets = patient.lesson([1, 2, 3])
    return "targets-not-shifted" if np.array_equal(inputs, targets) else "healthy"
"""
AFTER = "def after(): return 'well'"
"""Another exercise, asked later in the same kernel."""


def student(source: str) -> NotebookNode:
    cell = new_code_cell(textwrap.dedent(source))
    cell.metadata.unrolled = {"owner": "student"}
    return cell


def handed_in(
    *sources: str, patience: Patience | None = None, seconds: float = 20.0, after: str = AFTER
) -> Run:
    """What comes of a notebook with these cells, asked for ``diagnose`` and then for ``after``."""

    def desk() -> Desk:
        return Desk([Clinic(case.kept) for case in JUDGE.cases], patience)

    questions = {
        "check-diagnose": Question(
            "diagnose", DIAGNOSE.probe, [c.inputs for c in JUDGE.cases], seconds, desk
        ),
        "check-after": Question("after", "calls:call", [()], 5.0),
    }
    cells = [student(source) for source in (*sources, after)]
    for grade_id in questions:
        cell = new_code_cell("", id=grade_id)
        cell.metadata.nbgrader = {"grade_id": grade_id, "grade": True}
        cells.append(cell)
    notebook = new_notebook(cells=cells)
    run = run_submission(notebook, questions, LIMITS, chosen[0], shown("14_fast_and_standard"))
    return asyncio.run(run)


def outcomes(run: Run) -> tuple[Outcome, ...]:
    reply = run.replies["check-diagnose"]
    assert reply.status == "answered", reply
    return reply.outcomes


def assert_only_that_exercise_failed(run: Run, status: str, why: str) -> None:
    reply = run.replies["check-diagnose"]
    assert reply.status == status, reply
    assert why in reply.detail
    assert run.replies["check-after"].outcomes[0].value == "well"


HUNTS = {
    "what functions hold": """
def hunt(patient):
    waiting, seen = [patient.read, patient.gradient, patient.weights, patient.lesson], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen:
            seen.add(id(thing))
            yield thing
            waiting += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
            waiting += thing.values() if type(thing) is dict else ()
            waiting += thing if type(thing) in (list, tuple) else ()
""",
    "what callers know": """
def hunt(patient):
    import sys
    frame = sys._getframe()
    while frame is not None:
        waiting = list(frame.f_locals.items()) if frame.f_code.co_name != "<module>" else []
        for name, thing in waiting:
            yield thing
            for part in thing if type(thing) in (list, tuple) else [thing]:
                yield part
                yield from part.values() if type(part) is dict else ()
        frame = frame.f_back
""",
    "what lies in memory": """
def hunt(patient):
    import gc, types
    for thing in gc.get_objects():
        if type(thing) is dict and "name" in thing and "seed" in thing:
            yield thing["name"]
        if type(thing) is types.FunctionType and thing.__module__ == "course_lib.patients":
            yield from (cell.cell_contents for cell in thing.__closure__ or ())
""",
    "what modules name": """
def hunt(patient):
    import sys
    for module in list(sys.modules.values()):
        for thing in list(getattr(module, "__dict__", {}).values()):
            if type(thing) is type and thing.__name__ in ("Clinic", "Desk", "Judge"):
                yield "shared-layers"
""",
}
"""Ways to find what is kept."""


class TestBesideStrangers:
    """In a kernel of its own, in both kinds."""

    pytestmark = beside_strangers

    def test_a_doctor_hears_of_patients_that_are_not_there_what_it_would_hear_of_them(self) -> None:
        found = outcomes(handed_in(DOCTOR, "diagnose = doctor"))
        expected = JUDGE.run(
            lambda patient: (
                "targets-not-shifted" if np.array_equal(*patient.lesson([1, 2, 3])) else "healthy"
            )
        )
        assert found == tuple(expected)
        assert "targets-not-shifted" in found[3].value

    def test_input_in_a_cell_and_in_an_answer_fails_as_ever(self) -> None:
        run = handed_in(
            "name = input('who?')",
            "def diagnose(patient): return input('what ails you?')",
        )
        assert run.notebook.cells[0].outputs[-1].ename == "StdinNotImplementedError"
        assert {outcome.raised for outcome in outcomes(run)} == {"EOFError"}
        assert run.replies["check-after"].outcomes[0].value == "well"

    def test_a_refused_question_is_an_error_of_the_answer_and_the_next_one_is_heard(self) -> None:
        found = outcomes(
            handed_in(
                """
                def diagnose(patient):
                    import numpy as np
                    try:
                        patient.read(np.ones((2, 3, 99)))
                    except ValueError as error:
                        return str(error)[:8]
                """
            )
        )
        assert all(word == "x: shape" for outcome in found for word in outcome.value)

    @pytest.mark.parametrize(
        "question",
        [
            "'What ails you?'",
            "'[' * 100_000",
            "'x' * 30_000_000",
            "7",
            "'\\ud800'",
            "''",
        ],
    )
    def test_a_question_in_other_words_is_the_end_of_that_exercise_alone(self, question) -> None:
        run = handed_in(
            f"""
            def diagnose(patient):
                return get_ipython().kernel.raw_input({question})
            """
        )
        reply = run.replies["check-diagnose"]
        assert reply.status in ("malformed", "answered"), reply
        assert all(outcome.raised for outcome in reply.outcomes)
        assert run.replies["check-after"].outcomes[0].value == "well"

    def test_endless_questions_end(self) -> None:
        run = handed_in(
            """
            def diagnose(patient):
                while True:
                    try:
                        patient.lesson([1, 2, 3])
                    except Exception:
                        pass
            """,
            patience=Patience(questions=200),
        )
        assert_only_that_exercise_failed(run, "malformed", "more than 200 questions")
        assert "malformed-reply" in {incident.kind for incident in run.incidents}

    def test_questions_without_waiting_for_answers_end_like_any_time_out(self) -> None:
        run = handed_in(
            """
            def diagnose(patient):
                kernel = get_ipython().kernel
                parent = kernel.get_parent("shell")
                ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
                while True:
                    for content in ({"prompt": "x" * 1000}, {"prompt": ["x"]}, {}, None, "text"):
                        kernel.session.send(
                            kernel.stdin_socket, "input_request", content, parent, ident=ident
                        )
            """,
            seconds=3.0,
        )
        assert run.replies["check-diagnose"].status in ("malformed", "timeout")
        assert run.replies["check-after"].outcomes[0].value == "well"

    def test_questions_in_the_name_of_another_request_are_not_answered(self) -> None:
        run = handed_in(
            DOCTOR,
            """
            def diagnose(patient):
                kernel = get_ipython().kernel
                parent = dict(kernel.get_parent("shell"))
                parent["header"] = {**parent["header"], "msg_id": "another"}
                ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
                for _ in range(20):
                    content = {"prompt": "nonsense", "password": False}
                    kernel.session.send(
                        kernel.stdin_socket, "input_request", content, parent, ident=ident
                    )
                return doctor(patient)
            """,
        )
        assert "targets-not-shifted" in outcomes(run)[3].value

    def test_a_question_asked_before_the_grader_listens_waits_for_it(self, monkeypatch) -> None:
        """It was lost in one kernel of thirty, and the answer took all its time for nothing."""
        start, answer = AsyncKernelClient.start_channels, running._answer_questions

        def start_all_but_one(client: AsyncKernelClient) -> None:
            start(client, stdin=False)

        async def listen_late(*arguments: Any) -> None:
            await asyncio.sleep(0.3)
            await answer(*arguments)

        monkeypatch.setattr(AsyncKernelClient, "start_channels", start_all_but_one)
        monkeypatch.setattr(running, "_answer_questions", listen_late)
        found = outcomes(handed_in(DOCTOR, "def diagnose(patient): return doctor(patient)"))
        assert "targets-not-shifted" in found[3].value

    def test_a_question_after_the_end_is_not_answered_and_changes_nothing(self) -> None:
        run = handed_in(
            DOCTOR,
            """
            import threading, time

            kept = []

            def later(patient):
                while not kept:
                    time.sleep(0.01)
                patient.lesson([1, 2, 3])
                kept.append("answered")

            def diagnose(patient):
                threading.Thread(target=later, args=(patient,), daemon=True).start()
                return doctor(patient)
            """,
            after="""
            def after():
                kept.append("asking")
                time.sleep(0.5)
                return "heard" if "answered" in kept else "well"
            """,
        )
        assert "targets-not-shifted" in outcomes(run)[3].value
        assert run.replies["check-after"].outcomes[0].value == "well"

    @pytest.mark.parametrize("hunt", HUNTS)
    def test_searching_the_kernel_finds_nobodys_trouble(self, hunt) -> None:
        found = outcomes(
            handed_in(
                "from course_lib.patients import NAMES as WORDS",
                HUNTS[hunt],
                """
                def diagnose(patient):
                    for thing in hunt(patient):
                        if isinstance(thing, str) and thing in WORDS:
                            return thing
                    return "healthy"
                """,
            )
        )
        assert [outcome.detail for outcome in found if outcome.raised] == []
        assert {word for outcome in found for word in outcome.value} == {"healthy"}

    def test_the_trusted_side_is_no_module_of_a_confined_kernel(self, engine) -> None:
        if not engine.confined:
            pytest.skip("an ordinary kernel sees all files of its owner")
        found = outcomes(
            handed_in(
                """
                def diagnose(patient):
                    try:
                        import autograder.oracles.clinic
                        return "there"
                    except ImportError:
                        return "not there"
                """
            )
        )
        assert {word for outcome in found for word in outcome.value} == {"not there"}


@pytest.mark.parametrize("hunt", HUNTS)
def test_each_of_these_searches_finds_a_patient_that_is_in_the_room(hunt: str) -> None:
    """So that finding nothing proves something."""
    names: dict[str, Any] = {}
    exec(HUNTS[hunt], names)

    def examine(patient: object) -> list[object]:
        return [thing for thing in names["hunt"](patient) if isinstance(thing, str)]

    card = {"name": "shared-layers", "seed": 3}
    assert card["name"] in examine(admit(card["name"], card["seed"]))  # type: ignore[arg-type]


def test_questions_and_answers_survive_the_way_there_and_back() -> None:
    reply = decode(clinic().reply(words("weights", 1)))
    assert reply.keys() == {"answer"}
    np.testing.assert_array_equal(
        reply["answer"][0]["bias"], admit(HEALTHY, 1).weights()[0]["bias"]
    )
