//! The reference page is made from the registry, and every example in it checks.

use std::fs;
use std::path::Path;

use plan::model::FunctionKind;
use plan::registry;

#[test]
fn the_reference_page_is_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let page = registry::reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "UPDATE_GOLDEN=1 cargo test --test registry");
}

#[test]
fn every_function_has_a_doc_and_an_example_that_names_it() {
    for function in registry::all() {
        assert!(!function.doc.is_empty(), "{} says nothing", function.name);
        let named = function.example.contains(function.word()) || function.kind == FunctionKind::Probe;
        assert!(named, "the example of {} is about something else: {}", function.name, function.example);
    }
}
