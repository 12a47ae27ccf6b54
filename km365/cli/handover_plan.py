"""`km365 handover plan`: how much knowledge goes with one leaver, and when they are asked for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, with_app

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.loss_risk import Factor, Reason
    from km365.services.handover_plan import HandoverPlan, Wanted


@click.command("plan")
@click.argument("who", metavar="PERSON")
@click.option(
    "--set",
    "factors",
    metavar="FACTOR=VALUE",
    multiple=True,
    help="uniqueness, undocumented, replacement, relationships or milestone; 1 to 5, or unknown.",
)
@click.option(
    "--documented", metavar="QUESTION", multiple=True, help="A question that need not be asked: written down."
)
@click.option("--ask", metavar="QUESTION", multiple=True, help="A question to ask all the same.")
@click.option(
    "--colleague",
    "colleagues",
    metavar="SIGN-IN",
    multiple=True,
    help="Somebody to ask about the post besides, once the person has left; the supervisor says so.",
)
@click.option("--because", default="", help="Why; the person and the supervisor read it.")
@click.option(
    "--as", "sign_in", metavar="SIGN-IN", help="Who you are: the person who leaves, or their supervisor."
)
@json_option
@with_app
async def command(
    app: "App",
    *,
    who: str,
    factors: Sequence[str],
    documented: Sequence[str],
    ask: Sequence[str],
    colleagues: Sequence[str],
    because: str,
    sign_in: str | None,
    as_json: bool,
) -> None:
    """Show what would be lost with one leaver, each reason, and the sittings that fit the notice.

    PERSON is a sign-in name, object id, or the number of the entry in the Departures list. What nobody knows
    stays open and makes the score a range. The leaver and their supervisor correct it with --set, and say
    with --documented which questions are answered elsewhere; each with --because and --as. They alone read
    the reasons given.

    \b
    Example:
      km365 handover plan ruth.cloudharrow@childrensagency.example
    """
    from km365.services import handover_plan

    wanted = _wanted(factors, documented, ask, colleagues, because)
    if wanted is not None and sign_in is None:
        raise click.UsageError("Say with --as who says so: the person who leaves, or their supervisor.")
    found = await handover_plan.show(
        app.graph,
        app.db,
        app.settings,
        app.templates,
        who,
        now=app.clock.now(),
        sign_in=sign_in,
        wanted=wanted,
    )
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found)


def _wanted(
    factors: Sequence[str],
    documented: Sequence[str],
    ask: Sequence[str],
    colleagues: Sequence[str],
    because: str,
) -> "Wanted | None":
    from km365.services.handover_plan import Wanted

    if not (factors or documented or ask or colleagues):
        if because:
            raise click.UsageError(
                "--because says why for --set, --documented, --ask or --colleague; give one of them."
            )
        return None
    if not because.strip():
        raise click.UsageError("Say why with --because.")
    return Wanted(
        factors=dict(map(_factor, factors)),
        documented=documented,
        ask=ask,
        colleagues=colleagues,
        because=because,
    )


def _factor(text: str) -> "tuple[Factor, int | None]":
    """The factor and value of uniqueness=4. Raises UsageError."""
    from km365.core.loss_risk import Factor

    name, _, value = (part.strip() for part in text.partition("="))
    if name not in set(Factor):
        raise click.UsageError(f"--set: there is no factor {name!r}; there are {', '.join(Factor)}.")
    if value not in {"1", "2", "3", "4", "5", "unknown"}:
        raise click.UsageError(f"--set: {name} is 1 to 5 or unknown, as in {name}=4.")
    return Factor(name), None if value == "unknown" else int(value)


def _print(found: "HandoverPlan") -> None:
    row, risk, plan = found.departure, found.risk, found.plan
    click.echo(f"{row.person or row.person_id}, {', '.join(fact for fact in (row.post, row.office) if fact)}")
    click.echo(f"last day {row.leaves_on} (notice: {plan.notice})")
    click.echo(f"\nrisk: {risk}")
    click.echo(f"  {risk.high.action}")
    for one in (risk.time, *risk.factors):
        because = f" ({one.because})" if one.because else ""
        click.echo(f"  {one.value or '?'}  {one.key}: {one.means}{because}")
    click.echo("\nsittings:" if plan.sittings else "\nno sittings")
    for sitting in plan.sittings:
        click.echo(f"  {sitting.on:%a} {sitting.on}")
        for question_id in sitting.questions:
            click.echo(f"    {question_id}: {_asks(found, question_id)}")
    if plan.colleagues:
        click.echo("\nto ask colleagues and the supervisor:")
        for question_id in plan.colleagues:
            click.echo(f"    {question_id}: {_asks(found, question_id)}")
    if plan.not_asked:
        click.echo("\nnot asked:")
        for question_id, why in plan.not_asked.items():
            click.echo(f"    {question_id}: {why}")


def _asks(found: "HandoverPlan", question_id: str) -> str:
    question = found.bank.question(question_id)
    return question.ask if question else ""


def _as_json(found: "HandoverPlan") -> dict[str, Any]:
    row, risk, plan = found.departure, found.risk, found.plan

    def question(question_id: str) -> dict[str, str]:
        return {"id": question_id, "ask": _asks(found, question_id)}

    return {
        "person": row.person,
        "person_id": row.person_id,
        "post": row.post,
        "office": row.office,
        "leaves_on": row.leaves_on,
        "notice": plan.notice,
        "risk": {
            "least": risk.least,
            "most": risk.most,
            "band": risk.high.name,
            "band_at_least": risk.low.name,
            "action": risk.high.action,
            "unknown": risk.unknown,
            "time": _reason(risk.time),
            "factors": [_reason(one) for one in risk.factors],
            "source": found.source,
        },
        "sittings": [
            {"on": one.on, "questions": [question(q) for q in one.questions]} for one in plan.sittings
        ],
        "colleagues": [question(one) for one in plan.colleagues],
        "not_asked": [{"id": one, "why": str(why)} for one, why in plan.not_asked.items()],
        "said": [
            {"name": one.name, "value": one.value, "because": one.because, "who": one.who, "at": one.at}
            for one in found.said
        ],
    }


def _reason(one: "Reason") -> dict[str, Any]:
    return {"factor": one.key, "value": one.value, "means": one.means, "because": one.because}
