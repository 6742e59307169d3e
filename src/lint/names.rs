//! Names in SQL: read from the tree, folded as PostgreSQL folds them.

use squawk_syntax::{SyntaxKind, SyntaxNode};

/// A name of one or two parts, folded. `schema` is empty when none was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub(super) schema: String,
    pub(super) name: String,
}

impl Name {
    /// The name that a node of a name consists of.
    pub(super) fn of(node: &SyntaxNode) -> Name {
        let mut parts = parts(node);
        let name = parts.pop().unwrap_or_default();
        Name { schema: parts.pop().unwrap_or_default(), name }
    }

    /// As it is shown in messages.
    pub(super) fn shown(&self) -> String {
        if self.schema.is_empty() { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

fn parts(node: &SyntaxNode) -> Vec<String> {
    let mut parts = vec![String::new()];
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        match token.kind() {
            SyntaxKind::DOT => parts.push(String::new()),
            SyntaxKind::STAR | SyntaxKind::ONLY_KW | SyntaxKind::L_PAREN | SyntaxKind::R_PAREN => {}
            kind if kind.is_trivia() => {}
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push_str(&fold(token.text()));
                }
            }
        }
    }
    parts
}

/// Folds one identifier.
pub(super) fn fold(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// The first child of one of these kinds.
pub(super) fn child(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.children().find(|child| kinds.contains(&child.kind()))
}

/// Whether a child of this kind is there.
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

/// Whether a descendant of this kind is there, token or node.
pub(super) fn contains(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens().any(|element| element.kind() == kind)
}
