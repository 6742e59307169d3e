//! `plan graph`, `plan simulate` and `plan run --dry-run`: nothing is run.

use crate::diag::Problem;
use crate::driver::{self, Built, codes};
use crate::journal::Header;
use crate::model::{Body, Undo};
use crate::registry;
use crate::syntax::Limits;
use crate::view::lines::clock_in;
use crate::view::{graph as view, simulate as simulation};

use super::args::{self, GraphFormat};
use super::exit::Exit;
use super::given;
use super::output::Output;
use super::run::{checked, request};

pub(super) fn graph(args: &args::Graph, output: &Output) -> Result<Exit, Problem> {
    let plan = checked(&args.file, &Limits::default(), output)?;
    if let Some(name) = &args.env
        && !plan.environments.iter().any(|environment| environment.name == *name)
    {
        let known: Vec<&str> = plan.environments.iter().map(|environment| environment.name.as_str()).collect();
        let problem = Problem::new(&codes::BAD_VALUES, format!("the plan has no environment `{name}`"));
        return Err(problem.advice(format!("it has: {}", known.join(", "))));
    }
    let graph = view::graph(&plan, args.env.as_deref());
    match args.format {
        _ if args.json => output.json(&graph),
        GraphFormat::Json => output.json(&graph),
        GraphFormat::Terminal => output.text(&graph.terminal()),
        GraphFormat::Mermaid => output.text(&graph.mermaid()),
        GraphFormat::Dot => output.text(&graph.dot()),
    }
    Ok(Exit::Done)
}

pub(super) fn simulate(args: &args::Simulate, output: &Output) -> Result<Exit, Problem> {
    let plan = checked(&args.file, &Limits::default(), output)?;
    let (_, built) = driver::prepare(plan, &request(&args.values, 4, given::who(None))?)?;
    let simulation = simulation::simulate(&built.work);
    match args.json.json {
        true => output.json(&simulation),
        false => output.text(&simulation.text()),
    }
    Ok(Exit::Done)
}

pub(super) fn windows(args: &args::Windows, output: &Output) -> Result<Exit, Problem> {
    let plan = checked(&args.file, &Limits::default(), output)?;
    let environments = plan
        .environments
        .iter()
        .filter_map(|environment| Some((format!("environment {}", environment.name), environment.window.as_ref()?)));
    let gates = plan.nodes.iter().filter_map(|node| match &node.body {
        Body::Gate(gate) => Some((format!("gate {}", node.name), gate.window.as_ref()?)),
        Body::Step(_) => None,
    });
    let mut rows = Vec::new();
    for (name, window) in environments.chain(gates) {
        let openings = driver::openings(window, driver::wall(), args.most)
            .map_err(|why| Problem::new(&codes::BAD_VALUES, format!("{name}: {why}")))?;
        let text = plan.source.slice(window.span).split_whitespace().collect::<Vec<_>>().join(" ");
        rows.push((name, text, window.zone.clone(), openings));
    }
    if args.json.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, text, zone, openings)| {
                serde_json::json!({ "of": name, "window": text, "zone": zone, "open": openings })
            })
            .collect();
        output.json(&serde_json::json!({ "version": super::check::SHAPE, "windows": rows }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output.line("the plan has no window: it may run at any hour");
    }
    for (name, text, zone, openings) in rows {
        output.line(&format!("{name}: {text}"));
        for (from, to) in openings {
            let to = to.map_or("for ever".to_owned(), |to| format!("to {}", clock_in(to, &zone)));
            output.line(&format!("    {} {to}", clock_in(from, &zone)));
        }
    }
    Ok(Exit::Done)
}

/// What a run would do, in its order.
pub(super) fn dry_run(built: &Built, header: &Header) -> String {
    let mut out = String::from("nothing is run; this would be done, in this order:\n");
    let titles = built.titles();
    for node in built.work.graph.order().unwrap_or_default() {
        let work = &built.work.nodes[node];
        let declared = &built.plan.nodes[work.decl];
        let text = |span| built.plan.source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let title = if titles[node].is_empty() { String::new() } else { format!("  {}", titles[node]) };
        let skipped = if work.excluded { "  (skipped: not in this environment)" } else { "" };
        out.push_str(&format!("\n{}{title}{skipped}\n", work.id));
        if work.excluded {
            continue;
        }
        declared.requires.iter().for_each(|check| out.push_str(&format!("    require {}\n", text(check.span))));
        let Body::Step(step) = &declared.body else {
            out.push_str("    a gate: waits for people\n");
            continue;
        };
        step.action.iter().for_each(|action| out.push_str(&format!("    do      {}\n", text(action.span))));
        step.verifies.iter().for_each(|check| out.push_str(&format!("    verify  {}\n", text(check.span))));
        let undo = match &step.undo {
            Undo::NotNeeded => continue,
            Undo::Default => "as its action knows how".to_owned(),
            Undo::Nothing(reason) => format!("nothing: {reason}"),
            Undo::Irreversible(reason) => format!("irreversible: {reason}"),
            Undo::Alternatives(ways) => {
                let way = |way: &crate::model::Alternative| {
                    format!("{}{}", if way.ask { "ask " } else { "" }, text(way.action.span))
                };
                ways.iter().map(way).collect::<Vec<_>>().join(" or ")
            }
        };
        out.push_str(&format!("    undo    {undo}\n"));
    }
    if !header.values.is_empty() {
        out.push_str("\nwith\n");
        header
            .values
            .iter()
            .for_each(|(name, value)| out.push_str(&format!("    {name} = {}\n", registry::shown(value))));
    }
    out
}
