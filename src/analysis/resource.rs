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
use super::names::nearest;
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
    for entry in entries {
        let [key] = entry.path.as_slice() else {
            cx.wrong(&codes::BAD_SETTING, entry.loc.0, "a setting has one name: `url = …`");
            continue;
        };
        if let Some(earlier) = seen.insert(&key.text, at(key)) {
            let message = format!("`{}` is set twice", key.text);
            cx.say(Diagnostic::new(&codes::NAME_TWICE, at(key), message).related(earlier, "first here"));
        }
        let Some(setting) = known(cx, kind, key) else {
            lower(cx, &entry.value, &Place::default());
            continue;
        };
        let value = setting_value(cx, setting, &entry.value);
        settings.push((key.text.clone(), value));
    }
    for setting in registry::settings(kind).iter().filter(|setting| setting.required) {
        let given = seen.contains_key(setting.key) || overridden.iter().any(|key| key == setting.key);
        if !given {
            let message = format!("{} `{name}` needs `{}`", kind.word(), setting.key);
            cx.say(Diagnostic::new(&codes::BAD_SETTING, span, message).advice(setting.doc));
        }
    }
    Resource { kind, name, settings, span }
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
    clauses::repeated(cx, policies);
    environment
}

fn over(cx: &mut Context<'_>, entry: &Entry) -> Option<Override> {
    let span = entry.loc.0;
    let place = Place::default();
    match entry.path.as_slice() {
        [param] => {
            let Some((Ref::Param(index), _)) = cx.names.find(&param.text) else {
                let message = format!("`{}` is not a parameter", param.text);
                let names: Vec<String> = cx.names.all().map(str::to_owned).collect();
                let mut diagnostic = Diagnostic::new(&codes::BAD_OVERRIDE, at(param), message);
                if let Some(near) = nearest(&param.text, names.iter().map(String::as_str)) {
                    diagnostic = diagnostic.advice(format!("did you mean `{near}`?"));
                }
                cx.say(diagnostic);
                lower(cx, &entry.value, &place);
                return None;
            };
            let value = lower(cx, &entry.value, &place);
            let ty = cx.params[index].clone();
            expect(cx, &value, &ty, &format!("the parameter `{}` is", param.text));
            Some(Override { target: OverrideTarget::Param(index), value, span })
        }
        [resource, key] => {
            let Some((Ref::Resource(index), _)) = cx.names.find(&resource.text) else {
                let message = format!("`{}` is not a resource", resource.text);
                cx.wrong(&codes::BAD_OVERRIDE, at(resource), message);
                lower(cx, &entry.value, &place);
                return None;
            };
            let setting = known(cx, cx.resources[index].kind, key)?;
            let value = setting_value(cx, setting, &entry.value);
            Some(Override { target: OverrideTarget::Setting { resource: index, key: key.text.clone() }, value, span })
        }
        _ => {
            cx.wrong(&codes::BAD_OVERRIDE, span, "an environment sets `parameter = …` or `resource.setting = …`");
            None
        }
    }
}
