"""The decision as a LangGraph over a cohort. Pure: frames in, frames out; no checkpointer, no interrupt, no tracing.

reconcile -> variance -> forecast -> confidence -> (escalate | healthy | warning | critical) -> root cause -> mitigation

One campaign and a million campaigns take the same nodes and the same routes: conditional edges split the cohort into lanes with
`Send`. Waiting for a person is a row in the record, not a paused graph (docs/adr/0002).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from langsmith import tracing_context

from pacing_brain import nodes
from pacing_brain.model import Lane
from pacing_brain.nodes import Cohort

Node = Callable[[Cohort], dict[str, Any]]

NODES: Mapping[str, Node] = {
    "reconcile": nodes.sum_days,
    "variance": nodes.judge_variance,
    "forecast": nodes.forecast_landing,
    "confidence": nodes.score_confidence,
    "escalate": nodes.take_escalate,
    "healthy": nodes.take_healthy,
    "warning": nodes.take_warning,
    "critical": nodes.take_critical,
    "root_cause": nodes.explain_cause,
    "mitigation": nodes.advise,
}
LANES = [lane.value for lane in Lane]


def build(steps: Mapping[str, Node] = NODES) -> Any:
    """The compiled graph over `steps` (the nodes by name; every name of `NODES` must be there)."""
    graph = StateGraph(Cohort)
    for name, node in steps.items():
        graph.add_node(name, cast("Any", node))
    graph.add_edge(START, "reconcile")
    graph.add_edge("reconcile", "variance")
    graph.add_edge("variance", "forecast")
    graph.add_edge("forecast", "confidence")
    graph.add_conditional_edges("confidence", _send, LANES)
    for lane in LANES:
        graph.add_edge(lane, "root_cause")
    graph.add_edge("root_cause", "mitigation")
    graph.add_edge("mitigation", END)
    return graph.compile()


def _send(state: Cohort) -> list[Send]:
    return [Send(lane.value, part) for lane, part in nodes.route(state)]


@lru_cache(maxsize=1)
def compiled() -> Any:
    """The one graph, compiled once."""
    return build()


@lru_cache(maxsize=1)
def silent() -> Any:
    """The same graph without remedies, for histories that nobody acts on."""
    return build({**NODES, "mitigation": nodes.unadvised})


def decide(graph: Any, cohort: Cohort) -> Cohort:
    """Run the cohort through the graph, one lane after the other. Tracing is off whatever the environment says: state never leaves the process."""
    with tracing_context(enabled=False):
        result: Cohort = graph.invoke(cohort, {"max_concurrency": 1})
    return result


def picture() -> str:
    """The graph as Mermaid, as the README shows it."""
    drawn: str = compiled().get_graph().draw_mermaid()
    return drawn
