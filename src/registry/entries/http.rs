//! HTTP, and services that answer it.

use crate::model::ResourceKind;
use crate::registry::{Function, Need, Sig};

use super::make::{action, optional, probe, required};
use super::types::{DURATION, INT, INTS, JSON, RESPONSE, SERVICE, STRING, STRING_MAP, TIME};

const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete"];

pub(super) static ENTRIES: &[Function] = &[
    probe(
        "http",
        &[
            required("url", STRING, "The whole address."),
            optional("headers", STRING_MAP, "Request headers."),
            optional("timeout", DURATION, "How long it may take; default: `10s`."),
        ],
        RESPONSE,
        "What a server answers to a GET.\n\n\
         Every status is an answer; no answer at all cannot be read. `text` holds at most 1 MiB of the body, `json` is the \
         body read as JSON (asking for a member of what is not JSON cannot be read), header names are in lower case.",
        r#"verify http("https://example.com/health").status == 200 within 5m"#,
    )
    .real(),
    probe(
        "get",
        &[
            required("service", SERVICE, "Whom to ask."),
            required("path", STRING, "After the service's `url`: `/api/health`."),
            optional("headers", STRING_MAP, "Request headers, over those of the service."),
            optional("timeout", DURATION, "How long it may take; default: the service's, else `10s`."),
        ],
        RESPONSE,
        "What a service answers to a GET of a path. As `http`; a service with `start` is started first.",
        r#"verify api.get("/api/health").status == 200 for 30m every 15s misses 2"#,
    )
    .on(ResourceKind::Service)
    .needs(&[Need::Reachable])
    .real(),
    probe(
        "logs",
        &[required("service", SERVICE, "Whose log."), optional("since", TIME, "From when on; default: all that there is.")],
        STRING,
        "The log of a service: what its `start` has printed, or what its `logs` command prints.",
        r#"verify api.logs(since: push.started).count(/ERROR/) == 0 for 30m every 1m"#,
    )
    .on(ResourceKind::Service),
    action(
        "http",
        &[
            required("url", STRING, "The whole address."),
            optional("method", STRING, "Default: `post`.").words(METHODS),
            optional("json", JSON, "The body, sent as JSON."),
            optional("body", STRING, "The body as text; not together with `json`."),
            optional("headers", STRING_MAP, "Request headers."),
            optional("expect", Sig::OneOf(&[INT, INTS]), "Status that means success, or several; default: 200 to 299."),
            optional("timeout", DURATION, "How long it may take; default: `30s`."),
        ],
        RESPONSE,
        "Sends a request that changes something.\n\n\
         A refused connection is a clean failure; no answer after the request was sent is not: whether it took effect is \
         then unknown. Say `idempotent` where sending it twice is harmless.",
        r#"do http("https://api.example.com/deploys", json: { commit: revision }, expect: 201)"#,
    )
    .real(),
];
