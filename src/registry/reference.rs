//! The reference page, made from the entries.

use crate::model::{FunctionKind, Ref, ResourceKind, Ty};

use super::{
    DefaultUndo, Effect, Function, Need, Param, RetryClass, Setting, builtin, entries, gate_members, settings,
    step_members,
};

/// The kinds of resource, in the order of the page.
const RESOURCES: [ResourceKind; 4] =
    [ResourceKind::Database, ResourceKind::Repo, ResourceKind::Service, ResourceKind::Host];

/// All functions, settings and built-in members as one Markdown page.
pub fn reference() -> String {
    let mut page = String::from(
        "# Functions\n\n\
         Made from the registry; `UPDATE_GOLDEN=1 cargo test --test registry` writes it anew.\n\n\
         A **pure** function computes and may stand anywhere. A **probe** reads the world: in `require`, `verify`, `when`, \
         `remember`, `done when`. An **action** changes it: after `do`, `undo` and in `on`. `x.f(a)` is `f(x, a)`, and a \
         probe that needs only its resource is written without parentheses: `db.tables`. `name?:` marks a parameter that \
         may be left out; `element` is what a list or map given first holds.\n",
    );
    for (title, functions) in entries::TOPICS {
        page.push_str(&format!("\n## {title}\n"));
        for function in *functions {
            page.push('\n');
            page.push_str(&entry_page(function));
        }
    }
    page.push_str("\n## Settings of resources\n");
    for kind in RESOURCES {
        page.push_str(&format!("\n### `{}`\n\n", kind.word()));
        settings(kind).iter().for_each(|setting| page.push_str(&setting_line(setting)));
    }
    page.push_str(&members_section());
    page
}

/// One function as Markdown.
pub fn entry_page(function: &Function) -> String {
    let mut page = format!("### `{}` ({})\n\n", function.word(), kind(function.kind));
    page.push_str(&format!("```text\n{}\n```\n\n{}\n", function.signature(), function.doc));
    if !function.params.is_empty() {
        page.push('\n');
        function.params.iter().for_each(|param| page.push_str(&param_line(param)));
    }
    let facts = facts(function);
    if !facts.is_empty() {
        page.push_str(&format!("\n{}\n", facts.join(" ")));
    }
    page.push_str(&format!("\n```text\n{}\n```\n", function.example));
    page
}

fn kind(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Pure => "pure",
        FunctionKind::Probe => "probe",
        FunctionKind::Action => "action",
        FunctionKind::Tool => "migration tool",
        FunctionKind::Source => "source of a secret",
    }
}

fn param_line(param: &Param) -> String {
    let words = match param.words {
        [] => String::new(),
        words => format!(" Bare words: {}.", listed(words)),
    };
    format!("- `{}`: {}{words}\n", param.name, param.doc)
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What an entry promises, in sentences.
fn facts(function: &Function) -> Vec<String> {
    let mut facts = Vec::new();
    if !function.real {
        facts.push("**Checked, but not carried out yet:** `plan run` refuses a plan that uses it.".to_owned());
    }
    match function.one_of {
        [] => {}
        params => facts.push(format!("Exactly one of {} is given.", listed(params))),
    }
    if function.kind == FunctionKind::Action {
        facts.extend(action_facts(function));
    }
    if let Some(needs) = needs(function) {
        facts.push(needs);
    }
    facts
}

fn action_facts(function: &Function) -> Vec<String> {
    let mut facts = Vec::new();
    facts.push(match function.effect {
        Effect::None => "Changes nothing.".to_owned(),
        Effect::Outside => "Changes something outside.".to_owned(),
        Effect::Resource(index) => format!("Changes its `{}`.", function.params[index].name),
    });
    match function.retry {
        RetryClass::Plain => {}
        RetryClass::Idempotent => facts.push("Idempotent.".to_owned()),
        RetryClass::Atomic => facts.push("Atomic.".to_owned()),
    }
    match function.undo {
        DefaultUndo::MustSay => facts.push("The plan says how it is undone.".to_owned()),
        DefaultUndo::By(name) => facts.push(format!("Undone by `{name}` unless the plan says otherwise.")),
        DefaultUndo::Itself => facts.push("Knows its own undo.".to_owned()),
        DefaultUndo::Nothing => facts.push("Needs no undo.".to_owned()),
    }
    if function.settles {
        facts.push("After a crash it can tell by itself whether it happened.".to_owned());
    }
    if function.may_lose_data {
        facts.push("As an undo it may lose data: a person is asked unless the step says `unattended`.".to_owned());
    }
    facts
}

fn needs(function: &Function) -> Option<String> {
    let needs: Vec<String> = function
        .needs
        .iter()
        .map(|need| match need {
            Need::Program(name) => format!("the program `{name}`"),
            Need::ProgramIn(param) => format!("the program that `{param}` names"),
            Need::Reachable => format!("a reachable {}", function.on.map_or("resource", ResourceKind::word)),
            Need::Writable(param) => format!("a place at `{param}` that can be written"),
        })
        .collect();
    (!needs.is_empty()).then(|| format!("Needs {}.", needs.join(", ")))
}

fn setting_line(setting: &Setting) -> String {
    let mut notes = vec![setting.sig.to_string()];
    if setting.required {
        notes.push("required".to_owned());
    }
    if setting.secret {
        notes.push("may be a secret".to_owned());
    }
    format!("- `{}` ({}): {}\n", setting.key, notes.join(", "), setting.doc)
}

fn members_section() -> String {
    let mut page = String::from("\n## Built-in members\n\n");
    for (name, place) in [("plan", Ref::Plan), ("run", Ref::Run), ("env", Ref::Env)] {
        if let Some(Ty::Record(record)) = builtin(place) {
            let members = record.fields.iter().map(|(field, ty)| format!("`{field}` ({ty})"));
            page.push_str(&format!("- `{name}`: {}\n", members.collect::<Vec<_>>().join(", ")));
        }
    }
    for (name, members) in [("every step", step_members()), ("every gate", gate_members())] {
        let members = members.iter().map(|(field, ty)| format!("`{field}` ({ty})"));
        page.push_str(&format!("- {name}: {}\n", members.collect::<Vec<_>>().join(", ")));
    }
    page
}
