//! Random plans in random worlds with crashes at random moments: whatever happens, the invariants hold and an end is reachable.

use plan::engine::*;
use plan::model::*;
use proptest::prelude::*;

use super::world::{Script, World, failed, gate, step, work};

#[derive(Debug, Clone)]
struct Kind {
    class: u8,
    fails: u8,
    undo_fails: bool,
    verify: u8,
    policy: u8,
}

fn kind() -> impl Strategy<Value = Kind> {
    (0..8_u8, 0..6_u8, any::<bool>(), 0..5_u8, 0..5_u8).prop_map(|(class, fails, undo_fails, verify, policy)| Kind {
        class,
        fails,
        undo_fails,
        verify,
        policy,
    })
}

fn spec(kind: &Kind) -> StepSpec {
    let mut spec = step();
    match kind.class {
        1 => spec.idempotent = true,
        2 => spec.atomic = true,
        3 => spec.undo = UndoSpec::Irreversible,
        4 => (spec.undo, spec.optional) = (UndoSpec::Nothing, true),
        5 => (spec.undo, spec.always) = (UndoSpec::Nothing, true),
        6 => spec.undo = UndoSpec::Alternatives(vec![AlternativeSpec { ask: false }, AlternativeSpec { ask: true }]),
        _ => {}
    }
    spec.observes = kind.fails > 3;
    spec.retries = u32::from(kind.class == 1 || kind.class == 2);
    if kind.verify > 2 {
        spec.verifies = vec![Timing::For { span: 100, every: 30, misses: 1 }, Timing::Once];
    }
    spec.on_failure = match kind.policy {
        0 => PolicySpec::Stop,
        1 => PolicySpec::Ask { then_undo_after: Some(500) },
        _ => PolicySpec::UndoAll,
    };
    spec
}

fn world(kinds: &[Kind], edges: &[(usize, usize)]) -> World {
    let mut script = Script::default();
    let mut bodies = Vec::new();
    for (node, kind) in kinds.iter().enumerate() {
        bodies.push(if kind.class == 7 { WorkBody::Gate(gate()) } else { WorkBody::Step(spec(kind)) });
        match kind.fails {
            0 => drop(script.acts.insert((node, 1), failed(false))),
            1 => drop(script.acts.insert((node, 1), failed(true))),
            2 => drop(script.acts.insert((node, 1), Outcome::TimedOut { after: 1 })),
            _ => {}
        }
        if kind.undo_fails {
            script.undos.insert((node, 0), failed(false));
        }
        match kind.verify {
            3 => drop(script.reads.insert((node, Phase::Verify), vec![Reading::True, Reading::False])),
            4 => drop(script.reads.insert((node, Phase::Verify), vec![Reading::Unreadable("?".into())])),
            _ => {}
        }
    }
    World::new(work(bodies, edges), script)
}

/// A person who answers whatever is asked, one way or the other.
fn answer(world: &mut World, choice: u8) {
    let answerable = |waiting: &Waiting| !matches!(waiting, Waiting::Stuck { .. });
    let Some(waiting) = world.run.waiting().into_iter().find(answerable) else { return };
    let reason = || "said so".to_owned();
    let decision = match (waiting, choice % 3) {
        (Waiting::Gate { node, .. }, 0) => Decision::Reject { node, reason: reason() },
        (Waiting::Gate { node, .. }, _) => {
            Decision::Approve { node, answers: vec![], digest: String::new(), comment: None }
        }
        (Waiting::Question { node, .. }, 0) => Decision::Retry { node },
        (Waiting::Question { node, .. }, 1) => Decision::Skip { node, reason: reason() },
        (Waiting::Doubt { node, .. }, choice) => Decision::Resolve { node, done: choice != 0, reason: None },
        (Waiting::Unreadable { node, .. }, 0) => Decision::Skip { node, reason: reason() },
        (Waiting::UndoAsk { node, alternative }, 0) => Decision::DenyUndo { node, alternative },
        (Waiting::UndoAsk { node, alternative }, _) => Decision::AllowUndo { node, alternative },
        (Waiting::Stuck { .. }, _) => return,
        (_, _) => Decision::Cancel { reason: reason() },
    };
    // Refused decisions change nothing; the next choice is another one.
    world.decide(decision);
}

fn at_most_once(world: &World, crashed: bool) {
    for (node, work) in world.work.nodes.iter().enumerate() {
        let WorkBody::Step(step) = &work.body else { continue };
        let intents =
            world.log.iter().filter(|(_, event)| matches!(event, Event::ActionIntended { node: n, .. } if *n == node));
        let told = world.log.iter().any(|(_, event)| matches!(event, Event::Decided { .. }));
        if !step.idempotent && !step.atomic && !told && !crashed {
            assert!(intents.count() <= 1, "a plain step takes effect once");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_an_end_is_reachable(
        kinds in prop::collection::vec(kind(), 1..7),
        links in prop::collection::vec((0..7_usize, 0..7_usize), 0..10),
        moves in prop::collection::vec(0..24_u8, 0..80),
    ) {
        let inside = |(a, b): &(usize, usize)| a < b && *b < kinds.len();
        let mut edges: Vec<_> = links.into_iter().filter(inside).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut world = world(&kinds, &edges);
        world.input(Input::Begin);
        let mut crashed = false;
        for choice in moves {
            match choice {
                0 | 1 => {
                    world.crash();
                    crashed = true;
                }
                2 => drop(world.decide(Decision::Cancel { reason: "x".into() })),
                3 => {
                    world.input(Input::Interrupt);
                    world.crash();
                    crashed = true;
                }
                4..8 => answer(&mut world, choice),
                8..11 => {
                    world.pass(60);
                    world.input(Input::Tick);
                }
                _ => drop(world.step()),
            }
        }
        for round in 0..200_u8 {
            world.settle();
            if world.run.waiting().is_empty() || world.run.status() == RunStatus::Stuck {
                break;
            }
            answer(&mut world, if round < 40 { 1 } else { 2 });
        }
        let status = world.run.status();
        prop_assert!(
            matches!(status, RunStatus::Succeeded | RunStatus::RolledBack | RunStatus::PartlyRolledBack)
                || matches!(status, RunStatus::Stuck | RunStatus::NothingDone),
            "{:?} {:?} {:?}", status, world.run.waiting(), world.log
        );
        at_most_once(&world, crashed);
        world.reload();
    }
}
