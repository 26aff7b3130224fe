"""From a plan to checked tables and a panel: which reader and which builder a plan needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.errors import PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.locations import open_data_folder, project_file
from evaluation.nearest import did_you_mean
from evaluation.panel.types import REQUIRED, Panel
from evaluation.pipeline.choices import estimator, matcher
from evaluation.pipeline.owners import check_owners
from evaluation.plan import Plan

if TYPE_CHECKING:
    from evaluation.simulate import Simulation

NEEDED = ("families", "people", "links", "source_coverage")  # by every study of families
OF_OUTCOMES = ("attendance", "exclusions", "offences", "asb_incidents", "benefit_spells", "employment_spells", "needs")  # where a plan asks for them


def check_names(plan: Plan, dictionary: Dictionary) -> None:
    """Whether every outcome, council and covariate that a plan names exists.

    Raises
    ------
    PlanError
        With every unknown name and the nearest known one.
    """
    from evaluation.matching import MATCHERS
    from evaluation.models import ESTIMATORS
    from evaluation.models.checks import CHECKS
    from evaluation.pipeline.value import check_value

    asked = [("outcomes", name, dictionary.outcomes) for name in (*plan.outcomes.all, *plan.outcomes.placebo)]
    asked += [("programme.councils", code, dictionary.councils) for code in plan.programme.councils]
    asked += [("matching.method", plan.matching.method, MATCHERS), ("estimator.method", plan.estimator.method, ESTIMATORS)]
    asked += [("second_estimators", one.method, ESTIMATORS) for one in plan.second_estimators] + [("checks", name, CHECKS) for name in plan.checks]
    for where, given in (("families", plan.data.families), ("joined", plan.data.joined), ("costs", plan.data.costs)):
        asked += [(f"data.{where}", code, dictionary.councils) for code in (given if isinstance(given, dict) else ()) if code != "others"]
    asked += [("programme.places", code, dictionary.councils) for place in plan.programme.places for code in place.councils]
    asked += names_of_payment(plan, dictionary)
    faults = []
    for where, name, known in asked:
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"known are {', '.join(sorted(known)[:12])}.")
            faults.append(f"  - `{where}` names {name!r}, which is unknown; {hint}")
    faults += [
        f"  - `outcomes.placebo` names {name!r}, which is not collected by {plan.unit}: its dictionary entry has no source for that unit"
        for name in plan.outcomes.placebo
        if name in dictionary.outcomes and plan.unit not in dictionary.outcomes[name].sources
    ]
    if faults:
        raise PlanError("The plan names things that do not exist:\n" + "\n".join(faults))
    check_simulated(plan, dictionary)
    check_columns(plan, dictionary)
    check_value(plan, dictionary)
    check_owners(plan, dictionary)


def check_simulated(plan: Plan, dictionary: Dictionary) -> None:
    """Whether the councils whose families are simulated are there in the plan's years.

    Raises
    ------
    PlanError
        With every council that is not.
    """
    from evaluation.simulate.councils import check_there

    if plan.data.kind == "simulated":
        named = {f"data.{name}": getattr(plan.data, name) for name in ("families", "joined")}
        asked = {where: [code for code in given if code != "others"] for where, given in named.items() if isinstance(given, dict)}
        check_there(asked, plan.resolved_periods(), dictionary)


def names_of_payment(plan: Plan, dictionary: Dictionary) -> list[tuple[str, str, Mapping | set]]:
    """The framework of payment by results and the councils of its targets: place in the plan, name, known names."""
    payment = plan.payment_by_results
    if payment is None:
        return []
    frameworks = {path.stem for path in (project_file("data_dictionary") / "payment_by_results").glob("*.yml")}
    targets = payment.target if isinstance(payment.target, dict) else {}
    return [("payment_by_results.framework", payment.framework, frameworks),
            *(("payment_by_results.target", code, dictionary.councils) for code in targets)]


def check_columns(plan: Plan, dictionary: Dictionary) -> None:
    """Whether the matcher and the limits on balance can be made, and every column and history that they name can be had.

    Raises
    ------
    PlanError
        With every unknown column and the nearest known one.
    """
    from evaluation.matching.thresholds import Thresholds

    spec = matcher(plan)
    estimator(plan)
    for second in plan.second_estimators:
        estimator(plan, second)
    Thresholds(**plan.balance.model_dump())
    known = {*dictionary.covariates, *REQUIRED, "entry_period"}
    faults = []
    groups = [one.column for one in plan.subgroups]
    for names, there, what in ((spec.columns_used(), known, "column"), (spec.history, plan.outcomes.all, "outcome of the plan"),
                               (groups, known, "column")):
        for name in names:
            if name not in there:
                close = did_you_mean(name, sorted(there), cutoff=0.75)
                faults.append(f"  - {name!r} is no {what}" + (f"; {close}" if close else ""))
    if faults:
        raise PlanError("`matching` or `subgroups` names things that do not exist (columns are listed in data_dictionary/README.md, Covariates):\n"
                        + "\n".join(faults))


def receive(plan: Plan, plan_folder: Path, dictionary: Dictionary, room: Path) -> dict[str, CheckedTable]:
    """Bring the plan's data in through their contracts; simulated data are written first and then treated as any delivery."""
    if plan.data.kind == "open_statistics":
        from evaluation.ingest.open_statistics import receive_open_statistics

        return receive_open_statistics(plan.data.tables, dictionary, folder=open_data_folder(), room=room)
    from evaluation.ingest.reading import receive_extracts

    if plan.data.kind == "extracts":
        folder = plan_folder / str(plan.data.folder)
        if (folder / "_truth").exists() and not plan.report.simulated:
            raise PlanError(
                f"{folder} holds simulated records (it has a folder `_truth`), and every page made from them must say so. Set report.simulated: true."
            )
        return receive_extracts(folder, dictionary, room=room)
    delivery = room / "delivery"
    simulation_of(plan).write(delivery, dictionary=dictionary)
    return receive_extracts(delivery, dictionary, room=room)


def simulation_of(plan: Plan) -> Simulation:
    """What a plan asks to simulate.

    Raises
    ------
    PlanError
        Families may join outside the plan's periods, or in fewer places than named.
    """
    from evaluation.simulate import Simulation

    data, periods, options = plan.data, plan.resolved_periods(), {}
    if data.joining is not None:
        options = {"first_entry": periods.index(data.joining.first), "last_entry": periods.index(data.joining.last)}
    if data.caseload is not None:
        options["caseload"] = data.caseload
    if areas := first_areas(plan):
        options |= {"areas": areas, "at_once": plan.unit == "small_area"}
        if plan.unit == "small_area":
            options["first_entry"] = periods.index(str(plan.programme.first_full_period))
    return Simulation(
        families=data.families,
        periods=periods,
        seed=plan.seed,
        effects=data.effects,
        joined=data.joined,
        share_joining=data.share_joining,
        costs=data.costs,
        **options,
    )


def first_areas(plan: Plan) -> dict[str, int]:
    """Council -> how many of its first small areas stand for the plan's places, all places of the council together."""
    found: dict[str, int] = {}
    for place in plan.programme.places:
        if isinstance(place.small_areas, int):
            found[place.councils[0]] = found.get(place.councils[0], 0) + place.small_areas
    return found


def build_panel(tables: Mapping[str, CheckedTable], plan: Plan, dictionary: Dictionary) -> Panel:
    """The panel of a plan: its units, periods and those outcomes that the data hold."""
    outcomes = tuple(name for name in (*plan.outcomes.all, *plan.outcomes.placebo) if plan.unit in dictionary.outcomes[name].sources)
    common = {
        "periods": plan.resolved_periods(),
        "outcomes": outcomes,
        "covariates": tuple(name for name in matcher(plan).columns_used() if name not in REQUIRED),
    }
    if plan.unit in ("family", "small_area"):
        return families_or_areas(tables, plan, dictionary, common)
    from evaluation.panel import published

    if plan.unit == "person":
        return published.build_people(tables, dictionary, entry=str(plan.programme.first_full_period), **common)
    build, notes = published.build_councils if plan.unit == "council" else published.build_schools, ()
    if plan.data.split_by_schools:
        from evaluation.panel.split_councils import carried_back

        tables, notes = carried_back(tables, dictionary)
    panel = build(tables, dictionary, entry_of=assigned_places(tables, plan), **common)
    return replace(panel, notes=(*panel.notes, *notes))


def families_or_areas(tables: Mapping[str, CheckedTable], plan: Plan, dictionary: Dictionary, common: Mapping[str, object]) -> Panel:
    """The panel of families, with the places they lived in where the plan names small areas; or that of small areas made from it."""
    from evaluation.panel.families import build_families

    if plan.unit == "family":
        families = build_families(tables, dictionary, councils=None, **common)
        if not any(place.small_areas for place in plan.programme.places):
            return families
        from evaluation.panel.places import with_localities

        return with_localities(families, tables, plan.programme.places)
    from evaluation.panel.small_areas import build_small_areas

    families = build_families(tables, dictionary, councils=None, **common)
    return build_small_areas(families, tables, dictionary, places=plan.programme.places, started=str(plan.programme.first_full_period))


def assigned_places(tables: Mapping[str, CheckedTable], plan: Plan) -> dict[str, tuple[str, str]]:
    """Council -> (first full period, area): the plan's places, or the published list of places."""
    import duckdb

    first_full_period = str(plan.programme.first_full_period)
    if plan.programme.places:
        return {code: (first_full_period, place.name) for place in plan.programme.places for code in place.councils}

    if "programme_areas" not in tables:
        raise PlanError("A plan whose units are councils or schools needs the list of programme places: name them in programme.places, or add "
                        "`community_budgets` to data.tables.")
    with duckdb.connect() as con:
        rows = con.execute("SELECT council_code, area FROM read_parquet(?) ORDER BY council_code", [str(tables["programme_areas"].path)]).fetchall()
    return {code: (first_full_period, area) for code, area in rows}


def of_pool(panel: Panel, pool: str) -> Panel:
    """Programme units and the comparison units of one pool; programme families of another place are no comparison before they join either.

    They may never serve, so that the time from which they may lies after the panel; until when they lived here stays as it is.
    """
    inside = (panel.units["pool"] == pool).to_numpy()
    keep, units = (panel.entry >= 0) | inside, panel.units
    if panel.unit == "family":
        units = units.assign(eligible_from=np.where(inside, units["eligible_from"], len(panel.periods)))
    return replace(panel, units=units).keep(keep)
