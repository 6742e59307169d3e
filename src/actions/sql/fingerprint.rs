//! What tables hold, in a few numbers: counts and sums of hashes, which do not depend on the order of rows.
//!
//! A table with a whole number as its key has a sum for each column, each cell hashed together with its key: later the rows
//! up to the greatest key of then can be looked at alone, and only in the columns that both states have. Other tables have
//! one sum of whole rows and, when they are small, the hash of every row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::connection::Connection;
use super::{Dialect, json, literal, parts, quoted, sqlite_literal};
use crate::model::Value;

/// Tables without a whole number as key are known row by row up to so many rows.
const MOST_HASHES: i64 = 50_000;
/// The name of the sum of whole rows.
const ROWS: &str = "*";

/// What one table holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub rows: i64,
    /// The column that rows are known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The greatest key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<i64>,
    pub columns: Vec<String>,
    /// By column, or one for whole rows.
    pub sums: BTreeMap<String, String>,
    /// Of each row, sorted, 16 hex digits each; empty when there is a key, or when there are too many.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hashes: String,
}

/// What is to be read of a table.
pub(super) struct Look<'a> {
    pub table: &'a str,
    pub columns: Vec<String>,
    pub key: Option<String>,
    pub upto: Option<i64>,
}

impl<'a> Look<'a> {
    /// All of it.
    async fn whole(connection: &mut Connection, table: &'a str) -> Result<Self, String> {
        let rows = fields(connection, &shape_query(connection.dialect(), table)?).await?;
        let name = |row: &json::Fields| row.first().and_then(|(_, name)| name.as_str()).map(str::to_owned);
        let is_key = |row: &&json::Fields| {
            row.get(1).is_some_and(|(_, key)| key.as_bool() == Some(true) || key.as_i64() == Some(1))
        };
        let key = rows.iter().find(is_key).and_then(name);
        let columns: Vec<String> = rows.iter().filter_map(name).collect();
        if columns.is_empty() {
            return Err(format!("there is no table `{table}`, or it has no columns"));
        }
        Ok(Self { table, columns, key, upto: None })
    }

    fn condition(&self) -> Result<String, String> {
        match (&self.key, self.upto) {
            (Some(key), Some(upto)) => Ok(format!(" where {} <= {upto}", quoted_part(key))),
            _ => Ok(String::new()),
        }
    }
}

fn quoted_part(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Columns by name, each with whether it alone is the key and a whole number.
fn shape_query(dialect: Dialect, table: &str) -> Result<String, String> {
    Ok(match dialect {
        Dialect::Postgres => format!(
            "select a.attname::text, i.indrelid is not null and a.atttypid in (20, 21, 23) from pg_attribute a \
             left join pg_index i on i.indrelid = a.attrelid and i.indisprimary and i.indnkeyatts = 1 \
             and i.indkey[0] = a.attnum \
             where a.attrelid = to_regclass({}) and a.attnum > 0 and not a.attisdropped order by a.attname",
            literal(&quoted(table)?)
        ),
        Dialect::Sqlite => {
            let name = sqlite_literal(parts(table)?.last().map_or("", String::as_str));
            format!(
                "select name, pk = 1 and upper(type) = 'INTEGER' and \
                 (select count(*) from pragma_table_xinfo({name}) where pk > 0) = 1 \
                 from pragma_table_xinfo({name}) where hidden <> 1 order by name"
            )
        }
    })
}

async fn fields(connection: &mut Connection, text: &str) -> Result<Vec<json::Fields>, String> {
    connection.rows(text, super::MOST_ROWS).await.map_err(|refusal| refusal.message)
}

/// Begins a transaction that sees one moment, and in which values have one form whatever the server's settings are.
pub(crate) async fn begin(connection: &mut Connection) -> Result<(), String> {
    let lines: &[&str] = match connection.dialect() {
        Dialect::Sqlite => &["begin"],
        Dialect::Postgres => &[
            "begin isolation level repeatable read read only",
            "set local timezone = 'UTC'",
            "set local datestyle = 'ISO, MDY'",
            "set local intervalstyle = 'postgres'",
            "set local extra_float_digits = 1",
            "set local bytea_output = 'hex'",
            "set local lc_monetary = 'C'",
            // Rows that a policy hides are an error, not absent.
            "set local row_security = off",
            "set local statement_timeout = 0",
        ],
    };
    for line in lines {
        connection.run(line).await.map_err(|refusal| refusal.message)?;
    }
    connection.end_with_client().await.map_err(|refusal| refusal.message)
}

/// Reads tables inside a transaction of [`begin`]. `hashes`: also of each row, where there is no key.
pub(crate) async fn contents(
    connection: &mut Connection,
    tables: &[String],
    hashes: bool,
) -> Result<BTreeMap<String, Contents>, String> {
    let mut found = BTreeMap::new();
    for table in tables {
        let look = Look::whole(connection, table).await?;
        let mut held = read(connection, &look).await.map_err(|why| format!("`{table}`: {why}"))?;
        if hashes && held.key.is_none() && held.rows <= MOST_HASHES {
            held.hashes = row_hashes(connection, &look).await?.concat();
        }
        found.insert(table.clone(), held);
    }
    Ok(found)
}

async fn read(connection: &mut Connection, look: &Look<'_>) -> Result<Contents, String> {
    let (rows, upto, sums) = match connection.dialect() {
        Dialect::Postgres => sums_of_postgres(connection, look).await?,
        Dialect::Sqlite => sums_of_sqlite(connection, look).await?,
    };
    let (key, columns) = (look.key.clone(), look.columns.clone());
    Ok(Contents { rows, key, upto, columns, sums, hashes: String::new() })
}

type Sums = (i64, Option<i64>, BTreeMap<String, String>);

/// A text for each value that no other value has: NULL is not the empty text, and where one ends is plain.
fn row_text(columns: &[String]) -> String {
    let cell = |column: &String| format!("quote_nullable({}::text)", quoted_part(column));
    columns.iter().map(cell).collect::<Vec<_>>().join(" || ',' || ")
}

async fn sums_of_postgres(connection: &mut Connection, look: &Look<'_>) -> Result<Sums, String> {
    let sum = |text: String| format!("coalesce(sum(hashtextextended({text}, 0)::numeric), 0)::text");
    let (upto, names, list) = match &look.key {
        None => ("null::bigint".to_owned(), vec![ROWS.to_owned()], vec![sum(row_text(&look.columns))]),
        Some(key) => {
            let key = quoted_part(key);
            let cell = |c: &String| sum(format!("{key}::text || ':' || quote_nullable({}::text)", quoted_part(c)));
            (format!("max({key})::bigint"), look.columns.clone(), look.columns.iter().map(cell).collect())
        }
    };
    let list = list.join(", ");
    let text = format!("select count(*), {upto}, {list} from {}{}", quoted(look.table)?, look.condition()?);
    let row = fields(connection, &text).await?.pop().ok_or("the database answered with no row")?;
    let mut values = row.into_iter().map(|(_, value)| value);
    let rows = values.next().and_then(|value| value.as_i64()).ok_or("the database did not count")?;
    let upto = values.next().and_then(|value| value.as_i64());
    let texts = values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    Ok((rows, upto, names.into_iter().zip(texts).collect()))
}

/// SQLite has no hash of its own: its rows are hashed here.
async fn sums_of_sqlite(connection: &mut Connection, look: &Look<'_>) -> Result<Sums, String> {
    let key = look.key.as_deref().map_or("null".to_owned(), quoted_part);
    let list: Vec<String> = look.columns.iter().map(|column| format!("quote({})", quoted_part(column))).collect();
    let text = format!("select {key}, {} from {}{}", list.join(", "), quoted(look.table)?, look.condition()?);
    let (mut rows, mut upto, mut sums) = (0, None, vec![0_i128; look.columns.len()]);
    let mut whole = 0_i128;
    let take = &mut |row: json::Fields| {
        rows += 1;
        let number = row.first().and_then(|(_, key)| key.as_i64());
        upto = upto.max(number);
        let cells = row.iter().skip(1).map(|(_, value)| value.as_str().unwrap_or_default());
        match number {
            Some(key) => {
                cells.zip(&mut sums).for_each(|(cell, sum)| *sum += i128::from(hash(&format!("{key}:{cell}"))))
            }
            None => whole += i128::from(hash(&cells.collect::<Vec<_>>().join(","))),
        }
    };
    connection.each(&text, take).await.map_err(|refusal| refusal.message)?;
    let sums = match look.key {
        Some(_) => look.columns.iter().cloned().zip(sums.iter().map(i128::to_string)).collect(),
        None => BTreeMap::from([(ROWS.to_owned(), whole.to_string())]),
    };
    Ok((rows, upto, sums))
}

fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// The hash of each row, sorted.
async fn row_hashes(connection: &mut Connection, look: &Look<'_>) -> Result<Vec<String>, String> {
    let name = quoted(look.table)?;
    let list: Vec<String> = look.columns.iter().map(|column| format!("quote({})", quoted_part(column))).collect();
    let text = match connection.dialect() {
        Dialect::Postgres => {
            format!("select lpad(to_hex(hashtextextended({}, 0)), 16, '0') from {name}", row_text(&look.columns))
        }
        Dialect::Sqlite => format!("select {} from {name}", list.join(" || ',' || ")),
    };
    let sqlite = connection.dialect() == Dialect::Sqlite;
    let mut hashes = Vec::new();
    let take = &mut |row: json::Fields| {
        let text = row.first().and_then(|(_, value)| value.as_str()).unwrap_or_default();
        hashes.push(if sqlite { format!("{:016x}", hash(text)) } else { text.to_owned() });
    };
    connection.each(&text, take).await.map_err(|refusal| refusal.message)?;
    hashes.sort_unstable();
    Ok(hashes)
}

/// The probe `fingerprint`, from what was read.
pub(super) fn value(held: &BTreeMap<String, Contents>) -> Result<Value, String> {
    let detail = serde_json::to_value(held).map_err(|error| error.to_string())?;
    let digest: String = Sha256::digest(detail.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    let rows = held.iter().map(|(table, held)| (table.clone(), Value::Int(held.rows))).collect();
    Ok(Value::record([("sha256", Value::String(digest)), ("rows", Value::Map(rows)), ("detail", Value::Json(detail))]))
}

/// The tables of a fingerprint.
pub(super) fn of_value(value: &Value) -> Result<BTreeMap<String, Contents>, String> {
    let detail = match value {
        Value::Record(members) | Value::Map(members) => match members.get("detail") {
            Some(Value::Json(detail)) => Some(detail),
            Some(_) | None => None,
        },
        Value::Json(json) => json.get("detail"),
        _ => None,
    };
    let detail = detail.ok_or("`fingerprint` is not what the probe `fingerprint` gave")?;
    serde_json::from_value(detail.clone()).map_err(|error| format!("`fingerprint` cannot be used: {error}"))
}

/// Whether a table still has every row of then. `Err`: nobody can tell, and why.
pub(super) async fn keeps(connection: &mut Connection, table: &str, then: &Contents) -> Result<bool, String> {
    let Ok(now) = Look::whole(connection, table).await else { return Ok(false) };
    let stayed: Vec<String> = then.columns.iter().filter(|column| now.columns.contains(column)).cloned().collect();
    let kept = match &then.key {
        Some(key) if now.columns.contains(key) => {
            let look =
                Look { table, columns: stayed, key: then.key.clone(), upto: Some(then.upto.unwrap_or(i64::MIN)) };
            let held = read(connection, &look).await?;
            let more = held.rows > then.rows;
            let same =
                held.rows == then.rows && held.sums.iter().all(|(column, sum)| then.sums.get(column) == Some(sum));
            if more { None } else { Some(same) }
        }
        Some(_) => None,
        None if stayed.len() == then.columns.len() => {
            row_by_row(connection, &Look { table, columns: stayed, key: None, upto: None }, then).await?
        }
        None => None,
    };
    kept.ok_or_else(|| format!("`{table}` has changed so that nobody can tell its old rows from new ones"))
}

/// The same without a key: as many of each hash as there were.
async fn row_by_row(connection: &mut Connection, look: &Look<'_>, then: &Contents) -> Result<Option<bool>, String> {
    let held = read(connection, look).await?;
    if held.rows <= then.rows {
        return Ok(Some(held.rows == then.rows && held.sums == then.sums));
    }
    if then.hashes.len() as i64 != then.rows * 16 {
        return Ok(None);
    }
    let now = row_hashes(connection, look).await?;
    let mut now = now.iter();
    let mut then = then.hashes.as_bytes().chunks(16);
    // Both are sorted: each of then is found at or behind where the last one was.
    Ok(Some(then.all(|hash| now.any(|other| other.as_bytes() == hash))))
}
