use plan::source::Source;
use plan::syntax::{Limits, parse};

#[test]
fn companycam_parses() {
    let text = std::fs::read_to_string("tests/golden/format/companycam.in.plan").unwrap();
    let parsed = parse(&Source::new("companycam.plan", text), &Limits::default());
    assert_eq!(parsed.diagnostics, vec![]);
    assert_eq!(parsed.ast.unwrap().items.len(), 19);
}
