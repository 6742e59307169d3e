//! How PostgreSQL's programs learn where to go: a service file and a password file in a private folder, so that neither a
//! command line nor an environment holds a password.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::actions::process::Launch;

/// What a service file may take over from the query of a URL.
const PASSED_ON: &[(&str, &str)] = &[
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("ssl-cert", "sslcert"),
    ("sslkey", "sslkey"),
    ("ssl-key", "sslkey"),
    ("channel_binding", "channel_binding"),
];

/// Variables of ours that would lead the programs elsewhere.
const REMOVED: &[&str] = &[
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGSERVICE",
    "PGSERVICEFILE",
    "DATABASE_URL",
];

/// The two files; gone when this is dropped.
pub(super) struct Service {
    folder: TempDir,
    has_password: bool,
}

impl Service {
    /// Writes them for the server behind a URL; the programs will speak to `database`.
    pub(super) fn new(url: &str, options: &PgConnectOptions, database: &str) -> Result<Self, String> {
        let said = |error: std::io::Error| format!("no private folder for the address of the database: {error}");
        let folder = tempfile::Builder::new().prefix("plan-pg-").tempdir().map_err(said)?;
        let host = match options.get_socket() {
            Some(socket) => socket.to_string_lossy().into_owned(),
            None => options.get_host().trim_matches(['[', ']']).to_owned(),
        };
        let port = options.get_port().to_string();
        let mut lines = vec![("host", host), ("port", port), ("user", options.get_username().to_owned())];
        lines.push(("dbname", database.to_owned()));
        lines.extend(queried(url));
        if lines.iter().any(|(_, value)| value.contains(['\n', '\r', '\0'])) {
            return Err("a part of the database's address holds a line break".to_owned());
        }
        let text: String = lines.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        private(&folder.path().join("service"), &format!("[plan]\n{text}")).map_err(said)?;
        let password = password(url).or_else(|| std::env::var("PGPASSWORD").ok()).filter(|word| !word.is_empty());
        if let Some(word) = &password {
            let word = word.replace('\\', "\\\\").replace(':', "\\:");
            private(&folder.path().join("pass"), &format!("*:*:*:*:{word}\n")).map_err(said)?;
        }
        Ok(Self { folder, has_password: password.is_some() })
    }

    /// A program that will find the database without being told on its command line.
    pub(super) fn launch(&self, program: &str, args: Vec<String>) -> Launch {
        let launch = Launch { program: program.to_owned(), args, stdin: None, env: Vec::new(), removed: REMOVED };
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        let launch = launch.env("PGSERVICEFILE", &file("service").to_string_lossy()).env("PGSERVICE", "plan");
        match self.has_password {
            true => launch.env("PGPASSFILE", &file("pass").to_string_lossy()),
            false => launch,
        }
    }
}

fn private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The parameters of a URL's query, decoded.
fn parameters(url: &str) -> impl Iterator<Item = (&str, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key, decoded(value)))
}

fn queried(url: &str) -> Vec<(&'static str, String)> {
    let known = |name: &str| PASSED_ON.iter().find(|(key, _)| *key == name).map(|(_, ours)| *ours);
    parameters(url).filter_map(|(key, value)| known(key).map(|key| (key, value))).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The password of a URL.
fn password(url: &str) -> Option<String> {
    if let Some((_, word)) = parameters(url).find(|(key, _)| *key == "password") {
        return Some(word);
    }
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let user = authority.rsplit_once('@')?.0;
    user.split_once(':').map(|(_, word)| decoded(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_and_decoded() {
        assert_eq!(password("postgres://me:p%40ss:w@h/db?sslmode=require").as_deref(), Some("p@ss:w"));
        assert_eq!(password("postgresql+psycopg://me@h/db?password=x%20y").as_deref(), Some("x y"));
        assert_eq!(password("postgres://h/db"), None);
        assert_eq!(queried("postgres://h/db?sslmode=require&application_name=x"), [("sslmode", "require".to_owned())]);
    }
}
