//! What a checked plan means: names resolved, types known, nodes and edges in place. The engine knows this layer alone.

mod expr;
mod graph;
mod plan;
mod ty;
mod value;
mod work;

pub use expr::*;
pub use graph::*;
pub use plan::*;
pub use ty::*;
pub use value::*;
pub use work::*;

pub use crate::syntax::ast::{BinaryOp, ResourceKind};
