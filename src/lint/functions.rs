//! What PostgreSQL's own functions do. The list is `pg_proc` of PostgreSQL 15 with its contrib modules, and later additions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::class::Class;

/// Each function's name, and whether it may give another value for each row (marked with `*`).
static KNOWN: LazyLock<BTreeMap<&str, bool>> = LazyLock::new(|| {
    let words = include_str!("functions.txt").split_whitespace();
    words.map(|word| word.strip_suffix('*').map_or((word, false), |name| (name, true))).collect()
});

/// Functions of which one loses data or runs SQL that it is given.
const HARMFUL: &[(&str, Class)] = &[
    ("lo_unlink", Class::Delete),
    ("lo_truncate", Class::Delete),
    ("lo_truncate64", Class::Delete),
    ("lo_put", Class::Delete),
    ("lowrite", Class::Delete),
    ("drop_chunks", Class::Delete),
    ("dropgeometrycolumn", Class::DropColumn),
    ("dropgeometrytable", Class::DropTable),
    ("pg_drop_replication_slot", Class::DropOther),
    ("dblink", Class::Unknown),
    ("dblink_exec", Class::Unknown),
    ("dblink_open", Class::Unknown),
    ("dblink_send_query", Class::Unknown),
    ("query_to_xml", Class::Unknown),
    ("query_to_xmlschema", Class::Unknown),
    ("query_to_xml_and_xmlschema", Class::Unknown),
    ("ts_stat", Class::Unknown),
    ("crosstab", Class::Unknown),
    ("connectby", Class::Unknown),
    ("xpath_table", Class::Unknown),
];

/// What calling it does, when that is known to be harmful.
pub(super) fn harm(name: &str) -> Option<Class> {
    HARMFUL.iter().find(|(own, _)| *own == name).map(|(_, class)| *class)
}

/// Whether it is PostgreSQL's own, of a contrib module or of PostGIS.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains_key(name) || name.starts_with("st_")
}

/// Whether a default that calls it is computed for each row; a function that nobody knows is, as PostgreSQL assumes.
pub(super) fn is_volatile(name: &str) -> bool {
    KNOWN.get(name).copied().unwrap_or(!name.starts_with("st_"))
}
