//! Directed graphs over indexes. petgraph stays behind this API. Nothing here recurses: chains of 100,000 nodes are fine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::algo::{dominators, kosaraju_scc};
use petgraph::graph::{DiGraph, NodeIndex};

/// Nodes `0..n`; an edge `a → b` says that `a` comes before `b`.
#[derive(Debug, Clone)]
pub struct Graph {
    inner: DiGraph<(), (), u32>,
}

impl Graph {
    /// A graph of `nodes` nodes with these `(before, after)` edges.
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut inner = DiGraph::with_capacity(nodes, nodes);
        for _ in 0..nodes {
            inner.add_node(());
        }
        for (before, after) in edges {
            inner.add_edge(NodeIndex::new(before), NodeIndex::new(after), ());
        }
        Self { inner }
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What comes directly before a node.
    pub fn before(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.inner.neighbors_directed(NodeIndex::new(node), Direction::Incoming).map(NodeIndex::index)
    }

    /// What comes directly after a node.
    pub fn after(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.inner.neighbors_directed(NodeIndex::new(node), Direction::Outgoing).map(NodeIndex::index)
    }

    /// All nodes, each after what comes before it; among equals the lower index first. `None` when there is a cycle.
    pub fn order(&self) -> Option<Vec<usize>> {
        let mut missing: Vec<usize> = (0..self.len()).map(|node| self.before(node).count()).collect();
        let mut ready: BinaryHeap<Reverse<usize>> =
            missing.iter().enumerate().filter(|(_, n)| **n == 0).map(|(node, _)| Reverse(node)).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(node)) = ready.pop() {
            order.push(node);
            for next in self.after(node) {
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// One cycle for each knot of the graph, as the path `a → b → … → a` without the repeated end, lowest index first.
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let mut found: Vec<Vec<usize>> = kosaraju_scc(&self.inner)
            .into_iter()
            .filter(|knot| knot.len() > 1 || self.inner.contains_edge(knot[0], knot[0]))
            .map(|knot| self.cycle_within(&knot.into_iter().map(NodeIndex::index).collect::<Vec<_>>()))
            .collect();
        found.sort();
        found
    }

    /// The shortest way from the lowest node of a knot back to itself, breadth first.
    fn cycle_within(&self, knot: &[usize]) -> Vec<usize> {
        let start = *knot.iter().min().expect("a knot has a node");
        let inside: std::collections::BTreeSet<usize> = knot.iter().copied().collect();
        let mut from = std::collections::BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let mut next: Vec<usize> = self.after(node).filter(|n| inside.contains(n)).collect();
            next.sort_unstable();
            for after in next {
                if after == start {
                    return walk_back(&from, start, node);
                }
                if after != start && !from.contains_key(&after) {
                    from.insert(after, node);
                    queue.push_back(after);
                }
            }
        }
        vec![start]
    }

    /// Everything that lies after `node`, itself not included, in no order.
    pub fn reachable(&self, node: usize) -> Vec<usize> {
        self.spread(node, |graph, at| graph.after(at).collect())
    }

    /// Everything that lies before `node`, itself not included, in no order.
    pub fn ancestors(&self, node: usize) -> Vec<usize> {
        self.spread(node, |graph, at| graph.before(at).collect())
    }

    fn spread(&self, node: usize, step: impl Fn(&Self, usize) -> Vec<usize>) -> Vec<usize> {
        let mut seen = vec![false; self.len()];
        seen[node] = true;
        let mut stack = vec![node];
        let mut found = Vec::new();
        while let Some(at) = stack.pop() {
            for next in step(self, at) {
                if !std::mem::replace(&mut seen[next], true) {
                    found.push(next);
                    stack.push(next);
                }
            }
        }
        found
    }

    /// Whether a way leads from `a` to `b` (a node reaches itself).
    pub fn reaches(&self, a: usize, b: usize) -> bool {
        a == b || self.reachable(a).contains(&b)
    }

    /// For each node the nearest node that every way from a start to it passes; `None` for those directly at a start.
    pub fn immediate_dominators(&self) -> Vec<Option<usize>> {
        let mut rooted = self.inner.clone();
        let root = rooted.add_node(());
        for node in 0..self.len() {
            if self.before(node).next().is_none() {
                rooted.add_edge(root, NodeIndex::new(node), ());
            }
        }
        let tree = dominators::simple_fast(&rooted, root);
        (0..self.len())
            .map(|node| tree.immediate_dominator(NodeIndex::new(node)).filter(|d| *d != root).map(NodeIndex::index))
            .collect()
    }
}

fn walk_back(from: &std::collections::BTreeMap<usize, usize>, start: usize, last: usize) -> Vec<usize> {
    let mut path = vec![last];
    let mut at = last;
    while at != start {
        at = from[&at];
        path.push(at);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn order_is_stable_and_respects_edges() {
        let graph = Graph::new(4, [(3, 0), (0, 2)]);
        assert_eq!(graph.order(), Some(vec![1, 3, 0, 2]));
    }

    #[test]
    fn a_cycle_is_found_with_its_path() {
        let graph = Graph::new(4, [(0, 1), (1, 2), (2, 1), (2, 3)]);
        assert_eq!(graph.order(), None);
        assert_eq!(graph.cycles(), vec![vec![1, 2]]);
    }

    #[test]
    fn a_self_loop_is_a_cycle() {
        assert_eq!(Graph::new(2, [(1, 1)]).cycles(), vec![vec![1]]);
    }

    #[test]
    fn dominators_pass_every_way() {
        let graph = Graph::new(4, [(0, 1), (0, 2), (1, 3), (2, 3)]);
        assert_eq!(graph.immediate_dominators(), vec![None, Some(0), Some(0), Some(0)]);
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let graph = Graph::new(100_000, (1..100_000).map(|n| (n - 1, n)));
        assert_eq!(graph.order().map(|order| order.len()), Some(100_000));
        assert!(graph.cycles().is_empty());
        assert_eq!(graph.reachable(0).len(), 99_999);
        assert_eq!(graph.immediate_dominators()[99_999], Some(99_998));
    }
}
