//! The digest of a plan: what it says, without comments, layout and places.

use sha2::{Digest, Sha256};

use crate::syntax::ast::PlanDecl;

/// SHA-256 (hex) over the tree as JSON; a [`Loc`](crate::syntax::ast::Loc) is written as nothing.
pub(super) fn digest(ast: &PlanDecl) -> String {
    let mut hasher = Hashing(Sha256::new());
    serde_json::to_writer(&mut hasher, ast).expect("a tree has text keys, and hashing takes every write");
    hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Hashing(Sha256);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
