"""The ``course`` command. Exit codes: 0 done, 1 something failed, 2 wrong use, 3 not safe here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.course import Course, CourseError

DONE, FAILED = 0, 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="course",
        description="A course on recurrent networks: open it, check it, build it, grade it.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="open JupyterLab on your own copy of the notebooks")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead")
    lab.add_argument("--port", type=int, default=8888, help="first port to try (default 8888)")
    lab.add_argument(
        "--prepare", action="store_true", help="only make or update work/, start nothing"
    )

    lab.add_argument(
        "jupyter",
        nargs="*",
        metavar="-- OPTION",
        help="passed on to JupyterLab, such as: course lab -- --allow-root",
    )

    check = commands.add_parser("check", help="run a notebook's checks in a fresh kernel")
    check.add_argument("file", type=Path, metavar="FILE.ipynb")
    check.add_argument("--json", type=Path, metavar="FILE", help="write the result there")

    submit = commands.add_parser("submit", help="pack a notebook of yours for handing in")
    submit.add_argument("notebook", metavar="NN", help="which: 1, or 01_unrolling_by_hand")
    submit.add_argument("--name", default="", metavar="YOU", help="put your name into the file's")

    bundle = commands.add_parser("bundle", help="make what students download: one zip")
    bundle.add_argument("--output", type=Path, metavar="FILE", help="default: unrolled.zip")

    collect = commands.add_parser("collect", help="sort what was handed in into submitted/")
    collect.add_argument("sources", nargs="+", type=Path, metavar="PATH")
    collect.add_argument(
        "--roster", type=Path, metavar="FILE", help="Canvas' gradebook or Moodle's worksheet"
    )
    collect.add_argument(
        "--times", type=Path, metavar="FILE", help="a table of when who handed in: student, time"
    )
    collect.add_argument(
        "--into", type=Path, metavar="DIR", help="default: submitted/ of the course"
    )

    commands.add_parser("term", help="what course.toml says of this term, for reading over")

    build = commands.add_parser("build", help="make the notebooks from their sources")
    build.add_argument("notebooks", nargs="*", metavar="NN", help="which; all when none is given")
    build.add_argument(
        "--check", action="store_true", help="change nothing; fail when something is stale"
    )

    grade = commands.add_parser("grade", parents=[_grading_options()], help="grade a class")
    grade.add_argument(
        "--gradebook", default="", metavar="URL", help="default: gradebook.db of the course"
    )
    grade.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="repeat a run's inputs, for an appeal (default: drawn, and recorded)",
    )
    grade.add_argument(
        "--wait",
        type=_positive,
        default=30,
        metavar="S",
        help="seconds to wait for a gradebook that another program has locked (default 30)",
    )
    grade.add_argument("--force", action="store_true", help="grade also what has not changed")

    regrade = commands.add_parser(
        "regrade",
        parents=[_grading_options()],
        help="what a corrected notebook would change for older submissions",
    )
    regrade.add_argument(
        "--accept",
        choices=("gains", "all"),
        default="",
        help="grade by the corrected one from now on: those who gain, or all (default: change nothing)",
    )

    feedback = commands.add_parser("feedback", help="make a feedback page for each submission")
    feedback.add_argument("--assignment", action="append", default=[], metavar="NAME")
    feedback.add_argument(
        "--gradebook", default="", metavar="URL", help="default: gradebook.db of the course"
    )

    report = commands.add_parser("report", help="one page on how the class did")
    report.add_argument("--assignment", action="append", default=[], metavar="NAME")
    report.add_argument("--gradebook", default="", metavar="URL")
    report.add_argument(
        "--output", type=Path, metavar="FILE", help="default: report.html of the course"
    )

    export = commands.add_parser("export", help="write the grades for another system")
    export.add_argument(
        "--format", required=True, choices=("csv", "canvas", "moodle", "gradescope")
    )
    export.add_argument("--assignment", action="append", default=[], metavar="NAME")
    export.add_argument("--gradebook", default="", metavar="URL")
    export.add_argument(
        "--roster", type=Path, metavar="FILE", help="what Canvas or Moodle exported, to fill in"
    )
    export.add_argument(
        "--output", type=Path, metavar="PATH", help="default: grades-FORMAT.csv of the course"
    )

    doctor = commands.add_parser("doctor", help="what works on this machine, and what to do")
    doctor.add_argument("--json", type=Path, metavar="FILE", help="write the findings there")
    return parser


def _grading_options() -> argparse.ArgumentParser:
    """What the commands that run submissions have in common."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "directory",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="holds <student>/<assignment>/<notebook>.ipynb (default: submitted/ of the course)",
    )
    common.add_argument("--assignment", action="append", default=[], metavar="NAME")
    common.add_argument(
        "--jobs",
        type=_positive,
        default=0,
        metavar="N",
        help="submissions at once (default: as many as cores)",
    )
    common.add_argument(
        "--timeout",
        type=_positive,
        default=20,
        metavar="S",
        help="seconds that one cell of a student may run (default 20)",
    )
    common.add_argument(
        "--memory",
        type=_positive,
        default=4096,
        metavar="MB",
        help="memory that one submission may use (default 4096)",
    )
    common.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    common.add_argument(
        "--no-sandbox",
        action="store_true",
        help="run submissions with your own rights, on a machine that cannot confine them",
    )
    return common


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "lab":
                from autograder.lab import run_lab

                return run_lab(Course.find(), options)
            case "check":
                return _check(options)
            case "build":
                return _build(options)
            case "grade":
                return _grade(options)
            case "regrade":
                return _regrade(options)
            case "submit":
                return _submit(options)
            case "bundle":
                return _bundle(options)
            case "collect":
                return _collect(options)
            case "term":
                return _term()
            case "feedback":
                return _feedback(options)
            case "report":
                return _report(options)
            case "export":
                return _export(options)
            case _:
                from autograder.doctor import run_doctor

                return run_doctor(options)
    except CourseError as error:
        print(f"course {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"course {options.command}: stopped", file=sys.stderr)
        return FAILED


def _build(options: argparse.Namespace) -> int:
    from autograder.build import build, build_index, index_bytes, select, stale
    from autograder.overview import INDEX

    course = Course.find()
    names = select(course, options.notebooks)
    if options.check:
        problems = [problem for name in names for problem in stale(course, name)]
        for problem in problems:
            print(f"stale: {problem}. Run: course build {problem.split('_')[0]}", file=sys.stderr)
        page = course.notebooks / INDEX
        if not page.is_file() or page.read_bytes() != index_bytes(course):
            problems.append(INDEX)
            print(f"stale: {INDEX} is older than the notebooks. Run: course build", file=sys.stderr)
        if not problems:
            print(f"{len(names)} notebooks are what their sources say")
        return FAILED if problems else DONE
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}", flush=True)
        build(course, name)
    build_index(course)
    return DONE


def _check(options: argparse.Namespace) -> int:
    from autograder.card import as_text
    from autograder.selfcheck import check_notebook

    graded = check_notebook(Course.find(options.file.resolve().parent), options.file)
    for exercise in graded.result.exercises:
        print(as_text(exercise))
    for incident in graded.result.incidents:
        print(f"note: {incident.detail}")
    if options.json:
        _write_json(options.json, graded.result.to_json())
    passed = all(exercise.passed for exercise in graded.result.exercises)
    return DONE if passed and graded.result.status == "graded" else FAILED


def _grade(options: argparse.Namespace) -> int:
    # jsonschema builds a grammar of international addresses with it when imported, which takes a second
    # of every run; without it, it does not check addresses, of which notebooks have none.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from autograder.display import GradingDisplay
    from autograder.engine import Engine
    from autograder.gradebook import Stopped
    from autograder.grading import Options, grade_class
    from autograder.limits import Limits
    from autograder.verdict import SCHEMA

    course = Course.find()
    settings = Options(
        directory=options.directory or course.root / "submitted",
        assignments=tuple(options.assignment),
        jobs=options.jobs,
        gradebook=options.gradebook,
        limits=Limits(cell_seconds=options.timeout, memory_mb=options.memory),
        engine=Engine.choose(sandbox=not options.no_sandbox),
        seed=options.seed,
        force=options.force,
        patience=options.wait,
    )
    with GradingDisplay(course, settings) as display:
        found = grade_class(course, settings, display.report, display.note)
    display.summary(found)
    submissions = [
        {**one.to_json(), "late": _late(found.late.get((one.student, one.assignment)))}
        for one in sorted(found.results, key=lambda r: (r.assignment, r.student))
    ]
    try:
        if options.json:
            written = {"schema": SCHEMA, "seed": found.seed, "submissions": submissions}
            _write_json(options.json, written)
    finally:
        if found.stopped:  # whatever became of the file: it may lie on the same full disk
            raise Stopped(found.stopped)
    failed = found.interrupted or any(result.status == "error" for result in found.results)
    return FAILED if failed or found.problems else DONE


def _regrade(options: argparse.Namespace) -> int:
    from autograder.display import show_compared
    from autograder.engine import Engine
    from autograder.grading import Options
    from autograder.limits import Limits
    from autograder.regrade import regrade
    from autograder.verdict import SCHEMA

    course = Course.find()
    settings = Options(
        directory=options.directory or course.root / "submitted",
        assignments=tuple(options.assignment),
        jobs=options.jobs,
        limits=Limits(cell_seconds=options.timeout, memory_mb=options.memory),
        engine=Engine.choose(sandbox=not options.no_sandbox),
    )
    found = regrade(course, settings, options.accept)
    show_compared(found)
    if options.json:
        written = [one.to_json() for one in found.compared]
        _write_json(options.json, {"schema": SCHEMA, "submissions": written})
    return FAILED if found.problems else DONE


def _term() -> int:
    from autograder.display import show_term

    show_term(Course.find())
    return DONE


def _late(marks: Any) -> dict[str, Any] | None:
    if marks is None:
        return None
    return {
        "due": marks.late.due.isoformat(),
        "handed_in": marks.late.handed_in.isoformat(),
        "days": marks.late_days,
        "penalty": marks.late_penalty,
    }


def _submit(options: argparse.Namespace) -> int:
    from autograder.handing_in import folder_name, submit

    course = Course.find()
    wanted = options.notebook
    found = [n for n in course.assignments if n == wanted or n.split("_")[0] == wanted.zfill(2)]
    if not found:
        raise CourseError(
            f"there is no notebook {wanted!r}; there are: {', '.join(course.assignments)}"
        )
    name = found[0]
    who = f"{folder_name(options.name)}-" if options.name else ""
    target = course.root / "work" / "hand-in" / f"{who}{name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    receipt = submit(course, name, target)
    print(f"packed: {target}")
    print(f"it holds {receipt.written} of {receipt.exercises} exercises; receipt {receipt.code}")
    print(
        "Nothing has been sent: hand this file in where your course wants it, and keep the receipt."
    )
    return DONE


def _bundle(options: argparse.Namespace) -> int:
    from autograder.bundle import make_bundle
    from autograder.versions import keep

    course = Course.find()
    path = options.output or course.root / "unrolled.zip"
    files = make_bundle(course, path)
    print(f"{path}: {files} files, {path.stat().st_size / 2**20:.1f} MB")
    kept = keep(course, path)
    print(f"kept as {kept.relative_to(course.root)}: what is handed in of it is graded by it")
    return DONE


def _collect(options: argparse.Namespace) -> int:
    from collections import Counter

    from autograder.handing_in import collect

    course = Course.find()
    into = options.into or course.root / "submitted"
    found = collect(course, options.sources, into, options.roster, options.times)
    for problem in (*found.problems, *found.notes):
        print(f"note: {problem}", file=sys.stderr)
    count = Counter(found.placed.values())
    told = ", ".join(f"{count[how]} {how}" for how in ("new", "replaced", "unchanged"))
    print(f"{len(found.placed)} submissions in {into}: {told}. Next: course grade {into}")
    return FAILED if found.problems else DONE


def _feedback(options: argparse.Namespace) -> int:
    from autograder.reports.handing_out import write_feedback

    course = Course.find()

    def say(assignment: str, pages: int) -> None:
        print(f"{assignment}: {pages} pages", flush=True)

    pages = write_feedback(course, options.assignment, options.gradebook, say)
    print(f"{pages} pages in {course.root / 'feedback'}/<student>/<assignment>/")
    return DONE


def _report(options: argparse.Namespace) -> int:
    from autograder.reports.class_report import class_report

    course = Course.find()
    path = options.output or course.root / "report.html"
    _write(path, class_report(course, options.assignment, options.gradebook))
    print(f"the report: {path}")
    return DONE


def _export(options: argparse.Namespace) -> int:
    from autograder.overview import chapters
    from autograder.reports.export import export

    course = Course.find()
    ending = "" if options.format == "gradescope" else ".csv"
    made = export(
        course,
        options.format,
        options.output or course.root / f"grades-{options.format}{ending}",
        assignments=options.assignment,
        titles={one.name: one.title for one in chapters(course)},
        roster=options.roster,
        gradebook=options.gradebook,
    )
    for path, text in made.files.items():
        _write(path, text)
    for problem in made.problems:
        print(f"note: {problem}", file=sys.stderr)
    places = sorted(made.files)
    print(f"{len(places)} files, the first {places[0]}" if len(places) > 1 else places[0])
    return FAILED if made.problems else DONE


def _write_json(path: Path, data: object) -> None:
    _write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    from autograder.files import CANNOT_WRITE, write_atomically
    from autograder.gradebook import Stopped

    try:
        write_atomically(path.resolve(), text)
    except OSError as error:
        sentence = f"{path} cannot be written: {error.strerror}"
        raise (Stopped if error.errno in CANNOT_WRITE else CourseError)(sentence) from None


if __name__ == "__main__":
    sys.exit(main())
