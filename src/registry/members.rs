//! Names with members that are not functions: the settings of resources, `plan`, `run`, `env`, and what every step and gate
//! record holds besides its outputs.

use crate::model::{Ref, ResourceKind, Ty};

use super::Sig;

/// A key of a resource: `url` of a `database`.
#[derive(Debug)]
pub struct Setting {
    pub key: &'static str,
    pub sig: Sig,
    /// Without it the resource is refused (an environment may give it).
    pub required: bool,
    /// A secret may stand here.
    pub secret: bool,
    pub doc: &'static str,
}

const STRING: Sig = Sig::Is(|| Ty::String);

const fn setting(key: &'static str, sig: Sig, doc: &'static str) -> Setting {
    Setting { key, sig, required: false, secret: false, doc }
}

impl Setting {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

static DATABASE: &[Setting] = &[
    setting("url", STRING, "Where it is: `postgres://…`, `postgresql://…` or `sqlite:path` (from the plan's folder).")
        .required()
        .secret(),
    setting("direct_url", STRING, "Beside a pooled `url`: the address without a pooler, for migrations and dumps.")
        .secret(),
    setting("migrations", Sig::Is(|| Ty::Tool), "Its migration tool: `alembic(\"backend\")`, `sql(\"migrations\")`, …"),
];

static REPO: &[Setting] = &[
    setting("dir", STRING, "The checkout; default: the plan's folder."),
    setting("remote", STRING, "The remote that `push` goes to; default: `origin`."),
    setting("branch", STRING, "The branch that is deployed; default: the one checked out."),
];

static SERVICE: &[Setting] = &[
    setting("url", STRING, "Its base address: `https://api.example.com`.").required().secret(),
    setting(
        "start",
        Sig::Action,
        "`run(…)` or `shell(…)`: starts it in the background for the run, before its first use.",
    ),
    setting(
        "health",
        STRING,
        "After `start`: a path that answers below 400 once it is up; default: `/`, and any answer will do.",
    ),
    setting("ready", Sig::Is(|| Ty::Duration), "After `start`: how long it may take until it answers; default: `30s`."),
    setting("headers", Sig::Is(|| Ty::map(Ty::String)), "Sent with every request, an authorization for example.")
        .secret(),
    setting("timeout", Sig::Is(|| Ty::Duration), "How long one request may take; default: `10s`."),
    setting("logs", Sig::Action, "`run(…)` or `shell(…)`: prints its log; gets `PLAN_SINCE` (RFC 3339)."),
];

static HOST: &[Setting] = &[
    setting("ssh", STRING, "Where: `deploy@host.example.com`.").required(),
    setting("port", Sig::Is(|| Ty::Int), "The port of its SSH server; default: 22."),
    setting("key", STRING, "Path of a private key; default: what the SSH client chooses."),
    setting("dir", STRING, "The folder where processes start; default: the home folder."),
];

/// The keys that a resource may have.
pub fn settings(kind: ResourceKind) -> &'static [Setting] {
    match kind {
        ResourceKind::Database => DATABASE,
        ResourceKind::Repo => REPO,
        ResourceKind::Service => SERVICE,
        ResourceKind::Host => HOST,
    }
}

/// A key of a resource.
pub fn setting_of(kind: ResourceKind, key: &str) -> Option<&'static Setting> {
    settings(kind).iter().find(|setting| setting.key == key)
}

/// The record behind `plan`, `run` or `env`; `None` for every other name.
pub fn builtin(name: Ref) -> Option<Ty> {
    match name {
        Ref::Plan => Some(Ty::record("plan", &[("name", Ty::String), ("title", Ty::String), ("digest", Ty::String)])),
        Ref::Run => Some(Ty::record(
            "run",
            &[
                ("id", Ty::String),
                ("summary", Ty::String),
                ("status", Ty::String),
                ("started", Ty::Time),
                ("by", Ty::String),
            ],
        )),
        Ref::Env => Some(Ty::record("env", &[("name", Ty::String)])),
        Ref::Param(_)
        | Ref::Secret(_)
        | Ref::Let(_)
        | Ref::Resource(_)
        | Ref::Node(_)
        | Ref::Remembered(_)
        | Ref::Item => None,
    }
}

/// What the record of every step holds besides the outputs of its action and what it remembered. An output of the same name
/// wins.
pub fn step_members() -> Vec<(&'static str, Ty)> {
    vec![("started", Ty::Time), ("ended", Ty::Time), ("attempts", Ty::Int)]
}

/// What the record of every gate holds.
pub fn gate_members() -> Vec<(&'static str, Ty)> {
    vec![("approved_by", Ty::list(Ty::String)), ("opened", Ty::Time)]
}
