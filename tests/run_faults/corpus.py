"""The forty faults of a run: what is brought about, how it must end, and what must be said."""

from __future__ import annotations

import sys

from tests.run_faults import gates, models
from tests.run_faults import reports as runs
from tests.run_faults.case import HELD, REFUSED, Fault

ONE_PROCESSOR = ("taskset", "-c", "0") if sys.platform == "linux" else ()
STRANGE = {"LC_ALL": "C", "LANG": "C"}
HOMELESS = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent", "MPLCONFIGDIR": "/nonexistent", "OMP_NUM_THREADS": "1"}

PROCESSES = (
    Fault(
        number=1,
        title="a report's process is killed each time",
        end="failed-system",
        words=("SIGKILL",),
        attempt=runs.killed("killed always", 2),
        quick=True,
    ),
    Fault(number=2, title="the runner is killed", end="done", attempt=runs.runner_killed),
    Fault(number=3, title="the runner is told to stop", end="cancelled", words=("the run was stopped",), attempt=runs.runner_stopped, alone=False),
    Fault(
        number=4, title="a second runner of the same folder", end=REFUSED, words=("one runner at a time",), attempt=runs.second_runner, alone=False
    ),
    Fault(number=5, title="a lock left by a runner that is gone", end="done", attempt=runs.stale_lock),
    Fault(number=6, title="no space, at each point of writing", end="failed-system", words=("No space left",), attempt=runs.disk_full),
    Fault(
        number=7,
        title="a folder that cannot be written to, or has no room",
        end=REFUSED,
        words=("--out", "MB free"),
        attempt=runs.no_space,
        quick=True,
        alone=False,
    ),
    Fault(
        number=8,
        title="one report needs more memory than it may",
        end="failed-system",
        words=("memory",),
        attempt=runs.one_fault("memory", memory=2_000_000_000),
    ),
    Fault(number=9, title="a report hangs", end="timed-out", words=("longer than 20 seconds",), attempt=runs.one_fault("hang", seconds=20)),
    Fault(number=10, title="a cell of the notebook raises", end="failed-system", words=("KeyError",), attempt=runs.one_fault("template")),
    Fault(
        number=11, title="a PDF is cut short", end="failed-system", words=("must be a whole PDF",), attempt=runs.one_fault("cut short"), quick=True
    ),
    Fault(
        number=12,
        title="a finished page is altered, a delivered table is torn",
        end="failed-data",
        words=("offences",),
        attempt=gates.altered_or_torn,
        alone=False,
    ),
    Fault(
        number=13,
        title="a delivered file changes while the run goes on",
        end=REFUSED,
        words=("inputs of this batch must stay as they are",),
        attempt=gates.changed_while_running,
        alone=False,
    ),
    Fault(number=14, title="the code changes between two runs", end="stale", attempt=gates.other_code),
    Fault(number=15, title="a clock that jumps, another time zone", end="done", attempt=runs.clock),
    Fault(
        number=16, title="another locale, a path with spaces and accents", end="done", attempt=runs.strange_place(STRANGE, "a b é ü/" + "long " * 20)
    ),
    Fault(number=17, title="no network", end="done", attempt=runs.no_network),
    Fault(number=18, title="no home folder, one processor", end="done", attempt=runs.strange_place(HOMELESS, before=ONE_PROCESSOR)),
    Fault(number=19, title="hundreds of tasks, one after the other", end="done", attempt=runs.many_tasks),
    Fault(
        number=20,
        title="misspelt and unknown names",
        end=REFUSED,
        words=("disclosur", "E99999999", "content_pth", "must be str"),
        attempt=gates.unknown_names,
        quick=True,
        alone=False,
    ),
    Fault(number=21, title="a poison report beside good ones, given up and left alone by the next run", end="failed-system", attempt=runs.poison),
    Fault(number=22, title="a report asked for twice", end="done", attempt=runs.twice, quick=True),
    Fault(number=23, title="a process that dies after its record, and a record cut short", end="done", attempt=runs.parts_lost),
)
MODELS = (
    Fault(
        number=24,
        title="a score that does not settle",
        end="failed-model",
        words=("must settle",),
        alone=False,
        attempt=models.planned(
            matching__score={
                "model": "LogisticRegression",
                "covariates": ["n_children", "lone_parent", "any_fsm", "n_needs"],
                "options": {"max_iter": 1},
            }
        ),
    ),
    Fault(
        number=25,
        title="a covariate that decides who joins",
        end="failed-model",
        words=("separation", "any_fsm"),
        alone=False,
        attempt=models.spoilt(models.separated, code=None),
    ),
    Fault(
        number=26,
        title="an outcome that never happens",
        end="done-with-limits",
        attempt=models.spoilt(models.nothing_happens, promise=models.other_is_estimated),
        quick=True,
    ),
    Fault(number=27, title="every family of a council joins at once", end="done-with-limits", attempt=models.spoilt(models.all_join_at_once)),
    Fault(number=28, title="no family like those who joined", end="done-with-limits", attempt=models.spoilt(models.far_apart)),
    Fault(number=29, title="under ten families", end="not-shown-small-n", attempt=models.spoilt(models.few), quick=True),
    Fault(number=30, title="one area, as the only cluster", end="done-with-limits", words=(), attempt=models.of_areas(models.one_area), alone=False),
    Fault(
        number=31,
        title="covariates that determine each other",
        end="failed-model",
        words=("must not determine each other", "any_fsm"),
        alone=False,
        attempt=models.spoilt(models.collinear, code=None),
    ),
    Fault(
        number=32,
        title="joined families that are lost from sight",
        end="done",
        words=("lost from sight",),
        attempt=models.spoilt(models.lost_from_sight, plan={"checks": ["attrition"]}),
    ),
    Fault(number=33, title="all join in one quarter", end="done", attempt=models.spoilt(models.one_quarter)),
    Fault(
        number=34, title="nobody never joins; all had joined at the start", end="done-with-limits", attempt=models.spoilt(models.joined_at_the_start)
    ),
    Fault(number=35, title="one period before", end="done", attempt=models.spoilt(models.early, promise=models.tests_nothing_before)),
    Fault(
        number=36,
        title="a few families carry the weight",
        end="done",
        words=("over 5% of the weight",),
        attempt=models.spoilt(models.much_alike, plan={"checks": ["concentration"]}),
    ),
    Fault(
        number=37,
        title="rows in another order",
        end="done",
        attempt=models.spoilt(models.another_order, code=None, promise=models.the_same_as_in_order),
        quick=True,
    ),
    Fault(
        number=38,
        title="draws that fail",
        end="done-with-limits",
        attempt=models.spoilt(
            models.nothing_happens,
            plan={"multiplicity": {"primary": "romano_wolf"}, "outcomes": {"primary": ["any_offence", "adult_in_work"], "secondary": []}},
        ),
    ),
)
GATES = (
    Fault(number=39, title="an audit that cannot decide", end=HELD, words=("nothing may leave",), attempt=gates.undecided, alone=False),
    Fault(number=40, title="one report of all holds an identifier", end=HELD, words=("The release is held",), attempt=gates.one_leak, alone=False),
)
FAULTS: tuple[Fault, ...] = (*PROCESSES, *MODELS, *GATES)
