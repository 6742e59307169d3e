//! A new database that is like another: locale, owner, rights and settings are not in a dump of what is inside it.

use serde_json::Value as Json;

use super::conduct::Fault;
use super::{scalar, text};
use crate::actions::sql::{Connection, literal};

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs one statement.
pub(super) async fn run(connection: &mut Connection, statement: &str) -> Result<(), Fault> {
    connection.run(statement).await.map(|_| ()).map_err(|refusal| Fault::failed(refusal.message))
}

/// Whether there is a database with this name.
pub(super) async fn exists(connection: &mut Connection, name: &str) -> Result<bool, String> {
    let query = format!("select exists (select from pg_database where datname = {})", literal(name));
    Ok(scalar(connection, &query).await? == Json::Bool(true))
}

/// Removes what was made; sessions in it are our own.
pub(super) async fn remove(connection: &mut Connection, name: &str) -> Result<(), Fault> {
    let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = {}", literal(name));
    if exists(connection, name).await? {
        run(connection, &end).await?;
    }
    run(connection, &format!("drop database if exists {}", quoted(name))).await
}

/// Makes an empty database, like `model` when there is one.
pub(super) async fn create(connection: &mut Connection, name: &str, model: Option<&str>) -> Result<(), Fault> {
    let mut statement = format!("create database {} template template0", quoted(name));
    if let Some(model) = model {
        // As JSON: which columns there are depends on the version.
        let query = format!(
            "select (to_jsonb(d) || jsonb_build_object('owner', pg_get_userbyid(datdba), 'enc', \
             pg_encoding_to_char(encoding), 'space', (select spcname from pg_tablespace t where t.oid = dattablespace)))::text \
             from pg_database d where datname = {}",
            literal(model)
        );
        let json: Json = serde_json::from_str(&text(connection, &query).await?).map_err(|error| error.to_string())?;
        let get = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
        let mut say = |what: &str, value: Option<String>, name: bool| {
            if let Some(value) = value {
                let value = if name { quoted(&value) } else { literal(&value) };
                statement.push_str(&format!(" {what} {value}"));
            }
        };
        say("owner", get("owner"), true);
        say("encoding", get("enc"), false);
        say("lc_collate", get("datcollate"), false);
        say("lc_ctype", get("datctype"), false);
        say("tablespace", get("space"), true);
        if get("datlocprovider").as_deref() == Some("i") {
            say("locale_provider", Some("icu".to_owned()), true);
            say("icu_locale", get("daticulocale").or_else(|| get("datlocale")), false);
        }
    }
    run(connection, &statement).await
}

/// Gives a database what another one has around it: comment, limit of connections, rights, settings.
pub(super) async fn dress(connection: &mut Connection, name: &str, model: &str) -> Result<(), Fault> {
    let (new, old) = (quoted(name), literal(model));
    let about = format!(
        "select format('alter database %s connection limit %s', {new}, datconnlimit) from pg_database \
         where datname = {old} union all \
         select format('comment on database %s is %L', {new}, c.d) from pg_database b, \
         lateral (select shobj_description(b.oid, 'pg_database') as d) c where datname = {old} and c.d is not null union all \
         select format('revoke all on database %s from public', {new}) from pg_database \
         where datname = {old} and datacl is not null union all \
         select format('grant %s on database %s to %s%s', a.privilege_type, {new}, \
         case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end, \
         case when a.is_grantable then ' with grant option' else '' end) \
         from pg_database b, aclexplode(b.datacl) a where datname = {old}",
        new = literal(&new)
    );
    for statement in texts(connection, &about).await? {
        run(connection, &statement).await?;
    }
    settings(connection, &new, &old).await
}

/// `alter database … set …`, also of single roles. Set here first and taken from there: values are lists or not, and only
/// the server knows which.
async fn settings(connection: &mut Connection, new: &str, old: &str) -> Result<(), Fault> {
    let query = format!(
        "select json_build_array(split_part(line, '=', 1), substr(line, strpos(line, '=') + 1), \
         case when setrole = 0 then '' else quote_ident(pg_get_userbyid(setrole)) end)::text \
         from pg_db_role_setting s, unnest(setconfig) line \
         where setdatabase = (select oid from pg_database where datname = {old})"
    );
    for line in texts(connection, &query).await? {
        let (key, value, role): (String, String, String) =
            serde_json::from_str(&line).map_err(|error| error.to_string())?;
        let key_quoted: Vec<String> = key.split('.').map(quoted).collect();
        let whose = if role.is_empty() { format!("database {new}") } else { format!("role {role} in database {new}") };
        run(connection, "begin").await?;
        run(connection, &format!("select set_config({}, {}, true)", literal(&key), literal(&value))).await?;
        run(connection, &format!("alter {whose} set {} from current", key_quoted.join("."))).await?;
        run(connection, "commit").await?;
    }
    Ok(())
}

async fn texts(connection: &mut Connection, query: &str) -> Result<Vec<String>, String> {
    let rows = connection.rows(query, usize::MAX).await.map_err(|refusal| refusal.message)?;
    let text = |value: Json| match value {
        Json::String(text) => text,
        other => other.to_string(),
    };
    Ok(rows.into_iter().filter_map(|mut fields| fields.pop()).map(|(_, value)| text(value)).collect())
}
