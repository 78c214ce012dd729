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
    the first and the last; ``worked``: the same by the processor seconds of the server; ``wrong``: invoices with other
    totals, and those not settled as they were paid.
    """

    invoices: int
    lines: int
    payments: int
    phases: Phases
    wall: float
    cpu: float
    server: tuple[float, float]
    quarters: tuple[tuple[float, float], tuple[float, float]]
    worked: tuple[tuple[float, float], tuple[float, float]]
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
        row(f"  per invoice, calls and ms: {kind}", [_kind(run, kind) for run in runs])
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
        row(f"ms per {name}: first, last quarter", [_pair(run.quarters, place) for run in runs])
        row("  of the server's processors", [_pair(run.worked, place) for run in runs])
    row("totals that differ, not settled as paid", ["{}, {}".format(*run.wrong) for run in runs])
    return found


def listed(case: Case) -> list[str]:
    """List syncd's calls by what they were for: how often each was made, and its milliseconds at Odoo in all."""
    found = ["", f"{case.name}: syncd's calls"]
    for kind in KINDS:
        calls = case.syncd.phases.named.get(kind, {})
        for name, (times, ms) in sorted(calls.items(), key=lambda one: -one[1][1]):
            found.append(f"  {kind:12}{name:54}{times:>6,}{ms:>12,.0f}")
    return found


def _kind(run: Run, kind: str) -> str:
    ms = 1000 * run.phases.seconds.get(kind, 0.0) / run.invoices
    return f"{run.phases.calls[kind] / run.invoices:.3f}, {ms:.1f}"


def _pair(ends: tuple[tuple[float, float], tuple[float, float]], place: int) -> str:
    first, last = ends
    return f"{first[place]:.1f}, {last[place]:.1f}"


def _busy(run: Run, lanes: int) -> float:
    """Give the share of the time in which Odoo has a request, of as many as it can have at once."""
    return run.phases.busy / run.phases.total / lanes


def verdicts(cases: Sequence[Case]) -> list[str]:
    """Compare with the targets what was measured for them."""
    found = ["", f"{'target':72}{'reached':>10}            by the server's processor seconds"]
    for case in cases:
        found += _of(case)
    return found


def _of(case: Case) -> list[str]:
    run, name = case.syncd, case.name
    place = 0 if run.lines == 3 * run.invoices else 1
    change, worked = (last[place] / max(first[place], 1e-9) - 1 for first, last in (run.quarters, run.worked))
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
            f"{name}: last quarter by the {('invoice', 'line')[place]} <= 10 % slower than first",
            f"{change:+.0%}",
            met=change <= 0.1,
        )
        + f"  {worked:+.0%}",
        _line(f"{name}: totals that differ = 0", str(run.wrong[0]), met=not run.wrong[0]),
    ]
    return found


def _line(target: str, reached: str, *, met: bool) -> str:
    return f"{target:72}{reached:>10}  {'reached' if met else 'MISSED':8}"
