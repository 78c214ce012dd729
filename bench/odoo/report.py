"""What was measured, as text: both clients side by side, and the targets with what was reached. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.odoo.phases import KINDS, Phases


@dataclass(frozen=True)
class Run:
    """One client's run.

    ``wall``, ``cpu``: seconds and processor seconds of the client's process, from its start to its end; ``server``:
    processor seconds of Odoo and its PostgreSQL without and with payments; ``quarters``: ms per invoice and per line of
    the first and the last; ``wrong``: invoices with other totals, and those not settled as they were paid.
    """

    invoices: int
    lines: int
    payments: int
    phases: Phases
    wall: float
    cpu: float
    server: tuple[float, float]
    quarters: tuple[tuple[float, float], tuple[float, float]]
    wrong: tuple[int, int]

    @property
    def rates(self) -> tuple[float, float]:
        """Invoices per second, without and with payments."""
        return self.invoices / self.phases.unpaid, self.invoices / self.phases.total

    @property
    def calls(self) -> tuple[float, float]:
        """Calls per invoice, without and with payments."""
        every = self.phases.calls.total()
        return (every - self.phases.calls["settle"]) / self.invoices, every / self.invoices


@dataclass(frozen=True)
class Case:
    """One comparison: so many server processes, and as many connections for syncd. ``faster``: the target."""

    name: str
    lanes: int
    faster: float
    syncd: Run
    naive: Run | None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """How many times quicker syncd is by the line, without and with payments (the lines may be fewer for one)."""
        if self.naive is None:
            return None
        ours, theirs = self.syncd, self.naive
        unpaid = theirs.phases.unpaid / theirs.lines * ours.lines / ours.phases.unpaid
        paid = theirs.phases.total / theirs.lines * ours.lines / ours.phases.total
        return unpaid, paid

    @property
    def server_ratios(self) -> tuple[float, float] | None:
        """The same by processor seconds of the server, which other work on the machine leaves alone."""
        if self.naive is None:
            return None
        ours, theirs = self.syncd, self.naive
        unpaid, paid = (theirs.server[i] / theirs.lines * ours.lines / max(ours.server[i], 1e-9) for i in (0, 1))
        return unpaid, paid


def table(case: Case) -> list[str]:
    """Show both clients of one case."""
    runs = [case.syncd, *([case.naive] if case.naive else [])]
    found = ["", f"{case.name:44}" + "".join(f"{name:>14}" for name in ("syncd", "naive")[: len(runs)])]

    def row(name: str, values: Sequence[str]) -> None:
        found.append(f"{name:44}" + "".join(f"{value:>14}" for value in values))

    row("invoices, lines", [f"{run.invoices:,}, {run.lines:,}" for run in runs])
    row("payments", [f"{run.payments:,}" for run in runs])
    for kind in KINDS:
        row(f"  calls, ms per invoice: {kind}", [_kind(run, kind) for run in runs])
    row("calls per invoice without payments", [f"{run.calls[0]:.3f}" for run in runs])
    row("calls per invoice with payments", [f"{run.calls[1]:.3f}" for run in runs])
    row("invoices per second without payments", [f"{run.rates[0]:.2f}" for run in runs])
    row("invoices per second with payments", [f"{run.rates[1]:.2f}" for run in runs])
    row("server: a request at work, of the time", [f"{_busy(run, case.lanes):.0%}" for run in runs])
    row("server: processor seconds", [f"{run.server[1]:.1f}" for run in runs])
    row("server: processor ms per invoice, unpaid", [f"{1000 * run.server[0] / run.invoices:.0f}" for run in runs])
    row("client: processor seconds, whole process", [f"{run.cpu:.1f}" for run in runs])
    row("client: seconds, whole process", [f"{run.wall:.1f}" for run in runs])
    for place, name in ((0, "invoice"), (1, "line")):
        row(f"ms per {name}: first, last quarter", [_pair(run, place) for run in runs])
    row("totals that differ, not settled as paid", ["{}, {}".format(*run.wrong) for run in runs])
    return found


def _kind(run: Run, kind: str) -> str:
    ms = 1000 * run.phases.seconds.get(kind, 0.0) / run.invoices
    return f"{run.phases.calls[kind]:,}, {ms:.1f}"


def _pair(run: Run, place: int) -> str:
    first, last = run.quarters
    return f"{first[place]:.1f}, {last[place]:.1f}"


def _busy(run: Run, lanes: int) -> float:
    """Give the share of the time in which Odoo has a request, of as many as it can have at once."""
    return run.phases.busy / run.phases.total / lanes


def verdicts(cases: Sequence[Case]) -> list[str]:
    """Compare with the targets what was measured for them."""
    found = ["", f"{'target':66}{'reached':>10}            by the server's processor seconds"]
    for case in cases:
        found += _of(case)
    return found


def _of(case: Case) -> list[str]:
    run, name = case.syncd, case.name
    first, last = run.quarters
    place = 0 if run.lines == 3 * run.invoices else 1
    change = last[place] / first[place] - 1 if first[place] else 0.0
    found = [
        _line(f"{name}: calls per invoice without payments < 0.1", f"{run.calls[0]:.3f}", met=run.calls[0] < 0.1),
        _line(f"{name}: calls per invoice with payments < 0.2", f"{run.calls[1]:.3f}", met=run.calls[1] < 0.2),
    ]
    if (ratios := case.ratios) and (by_cpu := case.server_ratios):
        for at, what in enumerate(("without", "with")):
            told = _line(
                f"{name}: >= {case.faster:g} x naive, {what} payments",
                f"{ratios[at]:.2f} x",
                met=ratios[at] >= case.faster,
            )
            found.append(f"{told}  {by_cpu[at]:.2f} x" if case.lanes == 1 else told)
    busy = _busy(run, case.lanes)
    found += [
        _line(f"{name}: server busy >= 85 %", f"{busy:.0%}", met=busy >= 0.85),
        _line(
            f"{name}: first and last quarter by {('invoice', 'line')[place]} within 10 %",
            f"{change:+.0%}",
            met=abs(change) <= 0.1,
        ),
        _line(f"{name}: totals that differ = 0", str(run.wrong[0]), met=not run.wrong[0]),
    ]
    return found


def _line(target: str, reached: str, *, met: bool) -> str:
    return f"{target:66}{reached:>10}  {'reached' if met else 'MISSED':8}"
