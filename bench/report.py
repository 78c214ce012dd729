"""What was measured, as text: one row for each run, and the targets with what was reached. Pure."""

from __future__ import annotations

from bench.child import Measured

Runs = dict[str, list[Measured]]

HEAD = (
    f"{'':32}{'seconds':>9}{'wall':>9}{'cpu':>8}{'server':>8}{'peak MB':>9}{'requests':>10}{'rows':>9}\n"
    "(seconds: the work alone where it can be told; cpu, server: processor seconds of the program and of the account)"
)
RATES = (
    ("pull", "bare loop", 0.85),
    ("pull + ledger", "bare loop", 0.65),
    ("pull", "dlt details, first", 3.0),
    ("pull + ledger", "dlt details, first", 3.0),
)
"""What is to reach how many times the rate of what. Pull alone ends where dlt does, with all of it in SQLite."""

PURPOSES = ("hot", "growing", "sweep", "clients", "details", "confirm", "business")


def row(one: Measured) -> str:
    """Show one run."""
    figures = f"{one.seconds:>9.2f}{one.wall:>9.2f}{one.cpu:>8.2f}{one.server:>8.2f}{one.peak:>9.1f}"
    return f"{one.name:32}{figures}{one.requests:>10,}{one.rows:>9,}"


def asked(one: Measured) -> dict[str, int]:
    """Give syncd's requests by what they were for."""
    return dict(one.said["sources"][0]["requests"])


def purposes(one: Measured) -> str:
    """Show what syncd's requests were for; together they must be what the server counted."""
    counts = asked(one)
    parts = ", ".join(f"{counts.get(name, 0)} {name}" for name in PURPOSES)
    total = sum(counts.values())
    contradicted = "" if total == one.requests else f" - BUT THE SERVER COUNTED {one.requests}, NOT {total}"
    return f"  requests: {parts}{contradicted}"


def best(runs: list[Measured]) -> Measured:
    """Give the run that took least: noise only ever adds."""
    return min(runs, key=lambda one: one.seconds)


def cpu(one: Measured) -> float:
    """Give the processor seconds of the work alone, where it tells them."""
    return float(one.said.get("cpu", one.cpu))


def verdicts(runs: Runs, times: int, loading: float) -> list[str]:
    """Compare with the targets what was measured for them; ``loading``: seconds in which the account was loaded."""
    found = ["", f"{'target':58}{'reached':>12}  by processor seconds"]
    found.append(_line("sandbox: loads the file in < 15 s", f"{loading:.1f} s", met=loading < 15))
    if "bare loop" in runs:
        served = max(one.requests / one.server for one in runs["bare loop"])
        name = "sandbox: >= 2,000 details in a processor second"
        found.append(_line(name, f"{served:,.0f}", met=served >= 2000))
    found += _rates(runs)
    if "pull + ledger" in runs:
        peak = max(one.peak for one in runs["pull + ledger"])
        found.append(_line("peak memory of the first load < 150 MB", f"{peak:.0f} MB", met=peak < 150))
        for one in runs.get(f"{times} x history: pull + ledger", []):
            more = one.peak - peak
            found.append(_line(f"{times} x history: peak within 20 MB", f"{more:+.0f} MB", met=more <= 20))
    if "idle cycle" in runs:
        found += _idle(runs, times)
    return found


def _rates(runs: Runs) -> list[str]:
    """Compare details per second, each with the best run of the other."""
    found = []
    for name, other, wanted in RATES:
        if name in runs and other in runs:
            ours, theirs = best(runs[name]), best(runs[other])
            ratio = theirs.seconds / ours.seconds
            least = min(cpu(one) for one in runs[other]) / min(cpu(one) for one in runs[name])
            line = _line(f"{name}: rate >= {wanted} x {other}", f"{ratio:.2f} x", met=ratio >= wanted)
            found.append(f"{line}  {least:.2f} x")
    return found


def _idle(runs: Runs, times: int) -> list[str]:
    idle = best(runs["idle cycle"])
    found = [
        _line("idle cycle: < 40 requests", str(idle.requests), met=idle.requests < 40),
        _line("idle cycle: < 1.5 s as a command", f"{idle.wall:.2f} s", met=idle.wall < 1.5) + f"  {idle.cpu:.2f} s",
    ]
    longer = runs.get(f"{times} x history: idle cycle")
    if longer:
        ours, theirs = asked(idle)["hot"], asked(best(longer))["hot"]
        name = f"{times} x history: hot part of the idle cycle equal"
        found.append(_line(name, f"{ours} / {theirs}", met=ours == theirs))
    for how in ("list", "details"):
        again = runs.get(f"dlt {how}, again")
        if again:
            found.append(f"{f'  dlt {how} asks again, nothing changed':58}{again[0].requests:>12,}")
    return found


def _line(target: str, reached: str, *, met: bool) -> str:
    return f"{target:58}{reached:>12}  {'reached' if met else 'MISSED':8}"
