//! Every shipped template makes, with its examples, a plan without a diagnostic.

use plan::syntax::Limits;
use plan::{driver, source, template};

#[test]
fn every_shipped_template_makes_a_clean_plan() {
    let all = template::all(None).unwrap();
    assert!(all.len() >= 3);
    for template in all {
        let text = template.example().unwrap();
        let source = source::Source::new(format!("{}.plan", template.name), text.clone());
        let (plan, found) = driver::check(&source, &Limits::default());
        assert!(found.is_empty() && plan.is_some(), "{}: {found:#?}\n{text}", template.name);
        assert!(template.front.params.iter().all(|param| param.default.is_some() || param.example.is_some()));
    }
}
