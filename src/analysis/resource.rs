//! Resources and environments: settings with their types, overrides, policies.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::model::{Environment, Override, OverrideTarget, Ref, Resource, Ty};
use crate::registry::{self, Setting, Sig};
use crate::source::Span;
use crate::syntax::ast::{self, ClauseKind, Entry};

use super::args::as_call;
use super::clauses;
use super::codes;
use super::context::{Context, Place, Want, at};
use super::expr::{expect, lower};
use super::names::{nearest, word};
use super::window;

/// Types the settings of a resource. `given_later`: keys that some environment sets.
pub(super) fn resource(
    cx: &mut Context<'_>,
    index: usize,
    entries: &[Entry],
    span: Span,
    overridden: &[String],
) -> Resource {
    let (kind, name) = (cx.resources[index].kind, cx.resources[index].name.clone());
    let mut settings: Vec<(String, crate::model::Expr)> = Vec::new();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    // A setting that is unknown may be the one that lacks: then it is not said twice.
    let mut misnamed = false;
    for entry in entries {
        let [key] = entry.path.as_slice() else {
            let path: Vec<&str> = entry.path.iter().map(|name| name.text.as_str()).collect();
            let message = format!("`{}` is not one name, as settings have", path.join("."));
            cx.say(Diagnostic::new(&codes::BAD_SETTING, entry.loc.0, message).advice("for example `url = …`"));
            as_used(cx, &entry.value);
            misnamed = true;
            continue;
        };
        if let Some(earlier) = seen.insert(&key.text, at(key)) {
            let message = format!("`{}` is set twice", key.text);
            cx.say(Diagnostic::new(&codes::NAME_TWICE, at(key), message).related(earlier, "first here"));
        }
        let Some(setting) = known(cx, kind, key) else {
            as_used(cx, &entry.value);
            misnamed = true;
            continue;
        };
        let value = setting_value(cx, setting, &entry.value);
        settings.push((key.text.clone(), value));
    }
    for setting in registry::settings(kind).iter().filter(|setting| setting.required) {
        let given = seen.contains_key(setting.key) || overridden.iter().any(|key| key == setting.key);
        if !given && !misnamed {
            let message = format!("{} `{name}` needs `{}`", kind.word(), setting.key);
            cx.say(Diagnostic::new(&codes::BAD_SETTING, span, message).advice(setting.doc));
        }
    }
    Resource { kind, name, settings, span }
}

/// A value whose setting is not known: the names in it count as used.
fn as_used(cx: &mut Context<'_>, value: &ast::Expr) {
    let before = cx.diagnostics.len();
    lower(cx, value, &Place::default());
    cx.diagnostics.truncate(before);
    if let ast::ExprKind::Call { .. } = value.kind {
        as_call(cx, value, &Place::default(), Want::Action);
        cx.diagnostics.truncate(before);
    }
}

fn known(cx: &mut Context<'_>, kind: crate::model::ResourceKind, key: &ast::Name) -> Option<&'static Setting> {
    if let Some(setting) = registry::setting_of(kind, &key.text) {
        return Some(setting);
    }
    let keys: Vec<&str> = registry::settings(kind).iter().map(|setting| setting.key).collect();
    let message = format!("a {} has no setting `{}`", kind.word(), key.text);
    cx.say(Diagnostic::new(&codes::BAD_SETTING, at(key), message).advice(
        match nearest(&key.text, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has: {}", keys.join(", ")),
        },
    ));
    None
}

fn setting_value(cx: &mut Context<'_>, setting: &Setting, value: &ast::Expr) -> crate::model::Expr {
    let place = Place::default();
    match setting.sig {
        Sig::Action => as_call(cx, value, &place, Want::Action),
        Sig::Is(make) if matches!(make(), Ty::Tool) => as_call(cx, value, &place, Want::Tool),
        sig => {
            let value = lower(cx, value, &place);
            if !sig.accepts(&value.ty, None) {
                expect(cx, &value, &sig.yields(None), &format!("`{}` takes", setting.key));
            }
            value
        }
    }
}

/// Types an environment: its overrides and its policies.
pub(super) fn environment(
    cx: &mut Context<'_>,
    name: &ast::Name,
    entries: &[Entry],
    policies: &[ast::Clause],
    span: Span,
) -> Environment {
    let overrides = entries.iter().filter_map(|entry| over(cx, entry)).collect();
    let mut environment =
        Environment { name: name.text.clone(), overrides, window: None, rehearsed: None, on_failure: None, span };
    for clause in policies {
        match &clause.kind {
            ClauseKind::Window(given) => environment.window = window::lower(cx, given, clause.loc.0),
            ClauseKind::Rehearsed(expr) => {
                let expr = clauses::positive(cx, expr, &Ty::Duration, "`rehearsed within` takes", &Place::default());
                environment.rehearsed = Some(expr);
            }
            ClauseKind::OnFailure(policy) => environment.on_failure = Some(clauses::policy(cx, policy, None)),
            _ => clauses::misplaced(cx, clause, "an environment"),
        }
    }
    clauses::repeated(cx, policies.iter());
    repeated(cx, entries);
    environment
}

/// Says so when an environment sets one thing twice.
fn repeated(cx: &mut Context<'_>, entries: &[Entry]) {
    let mut seen: BTreeMap<Vec<&str>, Span> = BTreeMap::new();
    for entry in entries {
        let path: Vec<&str> = entry.path.iter().map(|name| name.text.as_str()).collect();
        let message = format!("`{}` is set twice", path.join("."));
        if let Some(earlier) = seen.insert(path, entry.loc.0) {
            cx.say(Diagnostic::new(&codes::NAME_TWICE, entry.loc.0, message).related(earlier, "first here"));
        }
    }
}

/// Says that an environment sets what it cannot, with the nearest name that it can.
fn not_set(cx: &mut Context<'_>, name: &ast::Name, wanted: &str, allowed: fn(Ref) -> bool) {
    let found = cx.names.find(&name.text);
    let message = match found {
        Some((what, _)) => format!("`{}` is {}, not {wanted}", name.text, word(what)),
        None => format!("there is no {} `{}`", wanted.trim_start_matches("a "), name.text),
    };
    let names: Vec<&str> =
        cx.names.all().filter(|name| cx.names.find(name).is_some_and(|(what, _)| allowed(what))).collect();
    let advice = match (found, nearest(&name.text, names)) {
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (Some((Ref::Resource(_), _)), _) => format!("set one of its settings: `{}.url = …`", name.text),
        _ => "an environment sets `parameter = …` or `resource.setting = …`".into(),
    };
    cx.say(Diagnostic::new(&codes::BAD_OVERRIDE, at(name), message).advice(advice));
}

fn over(cx: &mut Context<'_>, entry: &Entry) -> Option<Override> {
    let span = entry.loc.0;
    let place = Place::default();
    match entry.path.as_slice() {
        [param] => {
            let Some((Ref::Param(index), _)) = cx.names.find(&param.text) else {
                not_set(cx, param, "a parameter", |what| matches!(what, Ref::Param(_)));
                as_used(cx, &entry.value);
                return None;
            };
            let value = lower(cx, &entry.value, &place);
            let ty = cx.params[index].clone();
            expect(cx, &value, &ty, &format!("the parameter `{}` is", param.text));
            Some(Override { target: OverrideTarget::Param(index), value, span })
        }
        [resource, key] => {
            let Some((Ref::Resource(index), _)) = cx.names.find(&resource.text) else {
                not_set(cx, resource, "a resource", |what| matches!(what, Ref::Resource(_)));
                as_used(cx, &entry.value);
                return None;
            };
            let Some(setting) = known(cx, cx.resources[index].kind, key) else {
                as_used(cx, &entry.value);
                return None;
            };
            let value = setting_value(cx, setting, &entry.value);
            Some(Override { target: OverrideTarget::Setting { resource: index, key: key.text.clone() }, value, span })
        }
        _ => {
            let path: Vec<&str> = entry.path.iter().map(|name| name.text.as_str()).collect();
            let message = format!("`{}` has too many parts to be set", path.join("."));
            let advice = "an environment sets `parameter = …` or `resource.setting = …`";
            cx.say(Diagnostic::new(&codes::BAD_OVERRIDE, span, message).advice(advice));
            as_used(cx, &entry.value);
            None
        }
    }
}
