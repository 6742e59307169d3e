//! The `plan` program: arguments, run, exit code.

fn main() {}
