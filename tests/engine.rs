//! The state machine in a simulated world: no process, no clock, no disk.

#[path = "engine/random.rs"]
mod random;
#[path = "engine/world.rs"]
mod world;

use plan::engine::*;
use plan::model::*;
use world::{Script, World, chain, failed, gate, ok, step, steps, who, work};

fn acts(of: &[((usize, u32), Outcome)]) -> Script {
    Script { acts: of.iter().cloned().collect(), ..Script::default() }
}

#[test]
fn a_chain_runs_in_order_with_one_cascade_a_step() {
    let mut world = World::new(chain(3), Script::default());
    world.input(Input::Begin);
    for _ in 0..3 {
        let before = world.log.len();
        world.step();
        let names = world.names()[before..].to_vec();
        assert!(names[0].starts_with("action_ended"), "{names:?}");
        assert!(
            names.last().unwrap().starts_with("action_intended") || names.last().unwrap() == "run_ended",
            "{names:?}"
        );
    }
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.ledger, ["+0", "+1", "+2"]);
    assert_eq!(world.hooks, [HookEvent::Success]);
}

#[test]
fn a_failure_unwinds_in_reverse_order_the_failed_step_too() {
    let world = World::begin(chain(3), acts(&[((2, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    assert_eq!(world.ledger, ["+0", "+1", "+2", "-2", "-1", "-0"]);
    assert_eq!(world.hooks, [HookEvent::Failure]);
}

#[test]
fn an_atomic_step_that_failed_cleanly_has_nothing_to_undo() {
    let mut specs = vec![step(), step()];
    specs[1].atomic = true;
    let world = World::begin(steps(specs, &[(0, 1)]), acts(&[((1, 1), failed(true))]));
    assert_eq!(world.ledger, ["+0", "-0"]);
    assert_eq!(world.run.status(), RunStatus::RolledBack);
}

#[test]
fn a_timeout_of_an_atomic_step_is_never_clean() {
    let mut specs = vec![step()];
    specs[0].atomic = true;
    specs[0].retries = 3;
    let world = World::begin(steps(specs, &[]), acts(&[((0, 1), Outcome::TimedOut { after: 5 })]));
    assert_eq!(world.ledger, ["+0", "-0"]);
}

#[test]
fn retries_are_journalled_and_counted() {
    let mut specs = vec![step()];
    specs[0].idempotent = true;
    specs[0].retries = 2;
    let script = acts(&[((0, 1), failed(false)), ((0, 2), failed(false))]);
    let world = World::begin(steps(specs, &[]), script);
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.names().iter().filter(|name| name.starts_with("retry_scheduled")).count(), 2);
}

#[test]
fn a_doubt_is_never_guessed() {
    let mut world = World::new(chain(2), Script::default());
    world.input(Input::Begin);
    world.crash();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Paused);
    assert_eq!(world.run.node(0).state, NodeState::InDoubt);
    assert!(world.decide(Decision::Resolve { node: 0, done: true, reason: None }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.ledger, ["+0", "+1"]);
}

#[test]
fn a_doubt_that_has_not_happened_is_run_again() {
    let mut world = World::new(chain(1), Script::default());
    world.input(Input::Begin);
    world.crash();
    world.settle();
    assert!(world.decide(Decision::Resolve { node: 0, done: false, reason: None }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.run.node(0).attempts, 2);
}

#[test]
fn done_when_settles_a_doubt() {
    let mut world = World::new(chain(2), Script::default());
    world.script.settles.insert(0, Settlement::Done(None));
    world.input(Input::Begin);
    world.crash();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.ledger, ["+0", "+1"]);
}

#[test]
fn idempotent_steps_are_run_again() {
    let mut specs = vec![step()];
    specs[0].idempotent = true;
    let mut world = World::new(steps(specs, &[]), Script::default());
    world.input(Input::Begin);
    world.crash();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.run.node(0).attempts, 2);
}

#[test]
fn a_cancel_undoes_what_is_in_doubt_as_if_it_had_happened() {
    let mut world = World::new(chain(2), Script::default());
    world.input(Input::Begin);
    world.crash();
    world.settle();
    assert!(world.decide(Decision::Cancel { reason: "late".into() }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    assert_eq!(world.ledger, ["+0", "-0"]);
}

#[test]
fn alternatives_are_tried_in_order_and_no_one_left_is_stuck() {
    let mut specs = vec![step(), step()];
    specs[0].undo = UndoSpec::Alternatives(vec![AlternativeSpec { ask: false }, AlternativeSpec { ask: true }]);
    let mut script = acts(&[((1, 1), failed(false))]);
    script.undos.insert((0, 0), failed(false));
    let mut world = World::begin(steps(specs, &[(0, 1)]), script);
    assert_eq!(world.run.status(), RunStatus::Paused);
    assert!(matches!(world.run.waiting()[..], [Waiting::UndoAsk { node: 0, alternative: 1 }]));
    assert!(world.decide(Decision::DenyUndo { node: 0, alternative: 1 }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Stuck);
    assert_eq!(world.run.remaining(), [0]);
    world.script.undos.clear();
    assert!(world.decide(Decision::Retry { node: 0 }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
}

#[test]
fn a_repair_by_hand_ends_a_stuck_run_and_close_accepts_it() {
    let mut script = acts(&[((1, 1), failed(false))]);
    script.undos.insert((0, 0), failed(false));
    let mut world = World::begin(chain(2), script.clone());
    assert_eq!(world.run.status(), RunStatus::Stuck);
    world.live.remove(&0);
    assert!(world.decide(Decision::MarkUndone { node: 0, reason: "by hand".into() }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    let mut world = World::begin(chain(2), script);
    assert!(world.decide(Decision::Close { reason: "known".into() }).is_none());
    assert_eq!(world.run.status(), RunStatus::Closed);
}

#[test]
fn verify_undo_sends_to_the_next_alternative() {
    let mut specs = vec![step(), step()];
    specs[0].undo = UndoSpec::Alternatives(vec![AlternativeSpec { ask: false }; 2]);
    specs[0].verify_undo = vec![Timing::Once];
    let mut script = acts(&[((1, 1), failed(false))]);
    script.reads.insert((0, Phase::VerifyUndo), vec![Reading::False]);
    let mut world = World::new(steps(specs, &[(0, 1)]), script);
    world.input(Input::Begin);
    for _ in 0..5 {
        world.step();
    }
    world.script.reads.clear();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    assert!(world.names().contains(&"checks_failed 0".to_owned()), "{:?}", world.names());
}

#[test]
fn irreversible_effects_and_those_before_them_stay_and_are_named() {
    let mut specs = vec![step(), step(), step()];
    specs[1].undo = UndoSpec::Irreversible;
    let world = World::begin(steps(specs, &[(0, 1), (1, 2)]), acts(&[((2, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::Stuck);
    assert_eq!(world.run.remaining(), [0, 1]);
    assert_eq!(world.hooks, [HookEvent::Failure, HookEvent::Stuck]);
}

#[test]
fn a_partial_unwinding_keeps_what_the_plan_keeps() {
    let mut specs = vec![step(), step(), step()];
    specs[2].on_failure = PolicySpec::Undo(vec![1]);
    let world = World::begin(steps(specs, &[(0, 1), (1, 2)]), acts(&[((2, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::PartlyRolledBack);
    assert_eq!(world.ledger, ["+0", "+1", "+2", "-2", "-1"]);
}

#[test]
fn a_precondition_before_any_effect_ends_with_nothing_done() {
    let mut all = chain(2);
    all.nodes[0].requires = vec![Timing::Once];
    let mut script = Script::default();
    script.reads.insert((0, Phase::Require), vec![Reading::False]);
    let world = World::begin(all, script);
    assert_eq!(world.run.status(), RunStatus::NothingDone);
    assert!(world.ledger.is_empty());
}

#[test]
fn an_unreadable_probe_pauses_and_a_retry_goes_on() {
    let mut all = chain(1);
    all.nodes[0].requires = vec![Timing::Once];
    let mut script = Script::default();
    script.reads.insert((0, Phase::Require), vec![Reading::Unreadable("refused".into())]);
    let mut world = World::begin(all, script);
    assert!(matches!(world.run.waiting()[..], [Waiting::Unreadable { node: 0, phase: Some(Phase::Require), .. }]));
    world.script.reads.clear();
    assert!(world.decide(Decision::Retry { node: 0 }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
}

#[test]
fn a_question_waits_and_its_deadline_decides() {
    let mut specs = vec![step(), step()];
    specs[1].on_failure = PolicySpec::Ask { then_undo_after: Some(1_000) };
    let mut world = World::begin(steps(specs, &[(0, 1)]), acts(&[((1, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::Paused);
    world.crash();
    assert_eq!(world.run.status(), RunStatus::Paused);
    world.pass(1_000);
    world.input(Input::Tick);
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
}

#[test]
fn a_failed_step_can_be_retried_or_skipped() {
    let mut specs = vec![step(), step()];
    specs[0].on_failure = PolicySpec::Stop;
    let all = steps(specs, &[(0, 1)]);
    let mut world = World::begin(all.clone(), acts(&[((0, 1), failed(false))]));
    assert!(world.decide(Decision::Retry { node: 0 }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    let mut world = World::begin(all, acts(&[((0, 1), failed(false))]));
    assert!(world.decide(Decision::Skip { node: 0, reason: "known".into() }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.run.node(0).state, NodeState::Skipped);
}

#[test]
fn optional_failures_are_recorded_and_passed() {
    let mut specs = vec![step(), step(), step()];
    specs[0].optional = true;
    specs[0].undo = UndoSpec::Nothing;
    let mut all = steps(specs, &[(0, 1), (0, 2)]);
    all.nodes[2].deps[0].uses = true;
    let world = World::begin(all, acts(&[((0, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.run.node(2).state, NodeState::Skipped);
}

#[test]
fn a_clean_up_runs_after_what_it_cleans_is_undone() {
    let mut specs = vec![step(), step(), step()];
    specs[2].always = true;
    specs[2].undo = UndoSpec::Nothing;
    let world = World::begin(steps(specs, &[(0, 1), (1, 2)]), acts(&[((1, 1), failed(false))]));
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    let cleaned = world.ledger.iter().position(|entry| entry == "+2").expect("it runs");
    let undone = world.ledger.iter().position(|entry| entry == "-1").expect("what it cleans is undone");
    assert!(undone < cleaned, "{:?}", world.ledger);
}

#[test]
fn gates_count_each_person_once_and_keep_authors_out() {
    let approve = ApproveSpec { count: 2, of: vec![], not: vec!["lee".into()], escalate: None };
    let guarded = GateSpec { approve: Some(approve), checklist: 1, ..gate() };
    let all = work(vec![WorkBody::Gate(guarded), WorkBody::Step(step())], &[(0, 1)]);
    let mut world = World::begin(all, Script::default());
    assert_eq!(world.run.status(), RunStatus::Paused);
    assert_eq!(world.hooks, [HookEvent::Paused]);
    let approve = |answers| Decision::Approve { node: 0, answers, digest: "d".into(), comment: None };
    let mut say = |name: &str, answers| world.input(Input::Operator { who: who(name), decision: approve(answers) });
    assert!(say("kim", vec![false]).is_some());
    assert!(say("lee", vec![true]).is_some());
    assert!(say("kim", vec![true]).is_none());
    assert!(say("kim", vec![true]).is_some());
    assert!(say("park", vec![true]).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
}

#[test]
fn a_gate_expires_after_it_was_shown_also_over_a_restart() {
    let timed = GateSpec { expires: Some(1_000), ..gate() };
    let all = work(vec![WorkBody::Step(step()), WorkBody::Gate(timed)], &[(0, 1)]);
    let mut world = World::begin(all, Script::default());
    world.pass(600);
    world.crash();
    let left = world.run.next_wakeup().unwrap() - world.now.mono;
    assert_eq!(left, 400);
    world.pass(left);
    world.input(Input::Tick);
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    assert_eq!(world.run.node(1).state, NodeState::Expired);
}

#[test]
fn windows_hold_forward_starts_only() {
    let mut all = chain(2);
    all.window = true;
    let mut world = World::begin(all, acts(&[((1, 1), failed(false))]));
    assert_eq!(world.run.waiting(), [Waiting::Window]);
    world.input(Input::Window { open: true });
    world.step();
    world.input(Input::Window { open: false });
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack, "an undo needs no window");
}

#[test]
fn an_interrupt_ends_what_runs_and_the_resume_settles_it() {
    let mut world = World::new(chain(2), Script::default());
    world.script.settles.insert(0, Settlement::NotDone);
    world.input(Input::Begin);
    let Some(Command::Act { node, attempt }) = world.pending.pop() else { panic!("it acts") };
    world.input(Input::Interrupt);
    assert_eq!(world.pending.pop(), Some(Command::Kill { node: 0 }));
    world.input(Input::Ended { node, attempt, outcome: Outcome::Unknown { why: "ended by a signal".into() } });
    assert_eq!(world.run.in_flight(), 0);
    world.crash();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
    assert_eq!(world.ledger, ["+0", "+1"]);
}

#[test]
fn a_stale_completion_is_ignored_and_recorded() {
    let mut world = World::begin(chain(1), Script::default());
    world.input(Input::Ended { node: 0, attempt: 1, outcome: ok() });
    assert_eq!(world.names().last().map(String::as_str), Some("stale_ignored 0"));
    assert_eq!(world.run.status(), RunStatus::Succeeded);
}

#[test]
fn a_succeeded_run_can_be_rolled_back_and_a_rolled_back_one_cannot() {
    let mut world = World::begin(chain(2), Script::default());
    assert!(world.decide(Decision::Unwind { nodes: None, reason: "bad".into() }).is_none());
    world.settle();
    assert_eq!(world.run.status(), RunStatus::RolledBack);
    assert!(world.decide(Decision::Unwind { nodes: None, reason: "again".into() }).is_some());
}

#[test]
fn an_amended_plan_keeps_what_is_done() {
    let mut world = World::new(chain(2), acts(&[((1, 1), failed(true))]));
    world.work.nodes.iter_mut().for_each(|node| {
        if let WorkBody::Step(step) = &mut node.body {
            step.on_failure = PolicySpec::Stop;
        }
    });
    world.run = Run::new(world.work.clone());
    world.input(Input::Begin);
    world.settle();
    world.run.amend(chain(3)).unwrap();
    assert_eq!(world.run.node(0).state, NodeState::Done);
    assert_eq!(world.run.node(2).state, NodeState::Pending);
    assert!(world.run.clone().amend(chain(1)).is_err(), "a started step cannot go");
}

#[test]
fn a_wide_plan_is_linear() {
    let count = 5_000;
    let mut all = steps(vec![step(); count], &[]);
    all.jobs = 8;
    let mut world = World::new(all, Script::default());
    world.input(Input::Begin);
    while let Some(command) = world.pending.pop() {
        let Command::Act { node, attempt } = command else { panic!("only actions") };
        let reaction = world.run.handle(world.now, Input::Ended { node, attempt, outcome: ok() });
        world.pending.extend(reaction.commands.into_iter().filter(|c| !matches!(c, Command::Hook { .. })));
    }
    assert_eq!(world.run.status(), RunStatus::Succeeded);
}

#[test]
fn a_crash_while_it_observes_is_no_dead_end() {
    let mut specs = vec![step()];
    specs[0].observes = true;
    let mut world = World::new(steps(specs, &[]), Script::default());
    world.input(Input::Begin);
    assert!(matches!(world.pending[..], [Command::Observe { node: 0 }]));
    world.crash();
    world.settle();
    assert_eq!(world.run.status(), RunStatus::Succeeded);
}
