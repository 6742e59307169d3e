//! Fills texts in: Handlebars in strict mode, once, without HTML escaping. A filled-in value is never rendered again.

use std::sync::LazyLock;

use handlebars::Handlebars;
use serde_json::Value as Json;

use crate::model::{Piece, Template, Value};

use super::operators::described;
use super::show::printed;

/// Fills in values as they are.
static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| registry(handlebars::no_escape));

/// Quotes each value for `sh`, but for those in three braces.
static SHELL: LazyLock<Handlebars<'static>> = LazyLock::new(|| registry(shell_quoted));

fn registry(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    registry
}

/// The text with its values filled in as they are. `values`: one for each part that is a value, in order.
pub(super) fn fill(template: &Template, values: &[Value]) -> Result<String, String> {
    render(&PLAIN, template, values)
}

/// The text with each value quoted for `sh`.
pub(super) fn fill_shell(template: &Template, values: &[Value]) -> Result<String, String> {
    let text = render(&SHELL, template, values)?;
    if text.contains('\0') {
        return Err("a shell script cannot hold a NUL character".to_owned());
    }
    Ok(text)
}

/// Literal parts are handed over as data too: whatever braces they hold mean nothing.
fn render(registry: &Handlebars<'_>, template: &Template, values: &[Value]) -> Result<String, String> {
    let mut values = values.iter();
    let mut shape = String::new();
    let mut data = serde_json::Map::new();
    for (index, piece) in template.parts.iter().enumerate() {
        let name = format!("p{index}");
        let text = match piece {
            Piece::Literal(text) => {
                shape.push_str(&format!("{{{{{{{name}}}}}}}"));
                text.clone()
            }
            Piece::Value { raw, .. } => {
                let value = values.next().expect("the evaluator has computed a value for each part");
                let braces = if *raw { ("{{{", "}}}") } else { ("{{", "}}") };
                shape.push_str(&format!("{}{name}{}", braces.0, braces.1));
                word(value)?
            }
        };
        data.insert(name, Json::String(text));
    }
    registry.render_template(&shape, &data).map_err(|error| format!("the text cannot be filled in: {error}"))
}

/// A value that stands in a text: a scalar, or JSON.
pub(super) fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_)
        | Value::Json(_) => Ok(printed(value)),
        Value::None => Err("`none` cannot stand in a text".to_owned()),
        Value::Regex(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Record(_)
        | Value::Resource(_)
        | Value::Call { .. } => Err(format!("{} cannot stand in a text", described(value))),
    }
}

/// A text as one word of `sh`. Always in quotes: bare, `a=b` would be an assignment and `if` a keyword.
pub(crate) fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Expr, ExprKind, Ty};
    use crate::source::Span;

    fn value(raw: bool) -> Piece {
        let expr = Expr { kind: ExprKind::Const(Value::None), ty: Ty::String, secret: false, span: Span::default() };
        Piece::Value { expr, raw }
    }

    #[test]
    fn values_are_filled_in_once_and_unescaped() {
        let template = Template { parts: vec![Piece::Literal("{{x}} \\{{ <".into()), value(false), value(true)] };
        let values = [Value::string("<b>&\"{{p0}}"), Value::string("{{{p1}}}\\")];
        assert_eq!(fill(&template, &values).as_deref(), Ok("{{x}} \\{{ <<b>&\"{{p0}}{{{p1}}}\\"));
    }

    #[test]
    fn lines_and_blanks_stay() {
        let template =
            Template { parts: vec![Piece::Literal("a\n  ".into()), value(false), Piece::Literal("  \n\nb\n".into())] };
        assert_eq!(fill(&template, &[Value::string("x\n")]).as_deref(), Ok("a\n  x\n  \n\nb\n"));
    }

    #[test]
    fn values_print_in_their_units() {
        let template = Template { parts: vec![value(false), Piece::Literal(" ".into()), value(false)] };
        let values = [Value::Duration(5_400_000), Value::Size(10 << 20)];
        assert_eq!(fill(&template, &values).as_deref(), Ok("1h30m 10MiB"));
        let json = [Value::Json(serde_json::json!("x")), Value::Json(serde_json::json!({"a": 1}))];
        assert_eq!(fill(&template, &json).as_deref(), Ok("x {\"a\":1}"));
    }

    #[test]
    fn what_is_no_word_is_refused() {
        let template = Template { parts: vec![value(false)] };
        assert_eq!(fill(&template, &[Value::None]), Err("`none` cannot stand in a text".into()));
        assert!(fill(&template, &[Value::strings(["a"])]).is_err());
    }

    #[test]
    fn the_shell_gets_quotes_unless_raw() {
        let template =
            Template { parts: vec![Piece::Literal("echo ".into()), value(false), value(true), value(false)] };
        let values = [Value::string("it's; rm -rf /"), Value::string(" && "), Value::string("")];
        assert_eq!(fill_shell(&template, &values).as_deref(), Ok(r"echo 'it'\''s; rm -rf /' && ''"));
        assert!(fill_shell(&template, &[Value::string("\0"), Value::string(""), Value::string("")]).is_err());
    }
}
