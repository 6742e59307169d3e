//! `P03xx`: graph, undo and order. `P04xx`: practice, as lints that a plan can allow.

crate::diag::codes! {
    CYCLE = Error "P0301" "cycle" "Steps wait for each other in a circle"
r#"Each of them comes after the next, so none can ever start. `after` is an order, and so is the use of another step's output.

Wrong:

    step build {
      after ship
      do run("make")
      undo run("make clean")
    }
    step ship {
      after build
      do run("./ship.sh")
      undo run("./unship.sh")
    }

Right:

    step build {
      do run("make")
      undo run("make clean")
    }
    step ship {
      after build
      do run("./ship.sh")
      undo run("./unship.sh")
    }
"#;
    NEVER_RUNS = Error "P0302" "never_runs" "A step or gate can never run"
r#"Whoever uses the output of a step is skipped together with it. A step that is only in one environment and uses what exists only in another is skipped everywhere.

Wrong:

    step fetch {
      only in development
      do run("./fetch.sh")
      undo nothing "it reads"
    }
    step report {
      only in production
      do run("./report.sh {{fetch.stdout}}")
      undo nothing "it prints"
    }

Right:

    step fetch {
      do run("./fetch.sh")
      undo nothing "it reads"
    }
    step report {
      only in production
      do run("./report.sh {{fetch.stdout}}")
      undo nothing "it prints"
    }
"#;
    NO_UNDO = Error "P0303" "no_undo" "A step changes something and says nothing of the way back"
r#"Every effect is taken back by something, or has nothing to take back, or cannot be taken back. Some actions know their own way back (`push`, `copy`); for the others the plan says it.

Wrong:

    step up { do run("systemctl start app") }

Right:

    step up {
      do run("systemctl start app")
      undo run("systemctl stop app")
    }
"#;
    UNDO_NEEDS_OUTPUT = Error "P0304" "undo_needs_output" "An undo needs an output that may not exist when it runs"
r#"A step that fails half-way is undone too, and then its action has yielded nothing. Use what the step remembers, or give an alternative that does without. (A step that is `atomic` is exempt: when it fails, nothing has happened.)

Wrong:

    do   http("https://api.example.com/hosts")
    undo http("https://api.example.com/hosts/{{create.json.id}}", method: delete)

Right:

    do   http("https://api.example.com/hosts")
    undo http("https://api.example.com/hosts/{{create.json.id}}", method: delete)
      or by_hand("Look for a new host without a name, and delete it")
"#;
    NO_RETURN = Error "P0305" "no_return" "A step can fail after the point of no return"
r#"When a step fails, what was irreversible before it stays, and the run is stuck. Put a gate between the two, so that a person decides knowingly; or move the irreversible step to the end; or say on the later step how far its failure goes (`on failure stop`, `on failure ask`). Steps that are `optional` or `always` do not count.

Wrong:

    step mail {
      do run("./mail-all.sh")
      irreversible "a mail is sent"
    }
    step report {
      after mail
      do run("./report.sh")
      undo nothing "it prints"
    }

Right:

    step report {
      do run("./report.sh")
      undo nothing "it prints"
    }
    step mail {
      after report
      do run("./mail-all.sh")
      irreversible "a mail is sent"
    }
"#;
    UNORDERED_CHANGES = Error "P0306" "unordered_changes" "Two steps change one resource in no order"
r#"They would run at the same time, and be undone at the same time. Say which one comes first.

Wrong:

    step one {
      do sql(db, "update a set x = 1")
      undo sql(db, "update a set x = 0")
    }
    step two {
      do sql(db, "update a set x = 2")
      undo sql(db, "update a set x = 1")
    }

Right:

    step one {
      do sql(db, "update a set x = 1")
      undo sql(db, "update a set x = 0")
    }
    step two {
      after one
      do sql(db, "update a set x = 2")
      undo sql(db, "update a set x = 1")
    }
"#;
    NO_BACKUP = Error "P0307" "no_backup" "A migration without a backup before it"
r#"A `backup` of the same database comes before every `migrate`, on every way to it: one that is `optional`, has a `when`, or is `only in` fewer environments may be missing. Another action counts when its step says `backup_of db`; using the backup's output (`backup.file`) makes sure that it is there.

Wrong:

    step migrate {
      do migrate(db)
      undo downgrade(db)
    }

Right:

    step backup { do backup(db, to: "backups", keep: 7d) }
    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }
"#;
    OLD_BACKUP = Error "P0308" "old_backup" "A gate lies between a backup and its migration"
r#"A gate may wait for hours; what is written meanwhile is not in the backup. Take the backup after the gate.

Wrong:

    step backup { do backup(db, to: "backups", keep: 7d) }
    gate go {
      after backup
      approve 1 of ["dba"]
    }
    step migrate {
      after go
      do migrate(db)
      undo downgrade(db)
    }

Right:

    gate go { approve 1 of ["dba"] }
    step backup {
      after go
      do backup(db, to: "backups", keep: 7d)
    }
    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }
"#;
    PUSH_UNORDERED = Error "P0309" "push_unordered" "A push and a migration stand in no order"
r#"Where a push deploys by itself, new code would meet the old schema, or old code the new one. A change that adds goes to the database first; one that removes goes to the code first.

Wrong:

    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }
    step push {
      after backup
      do push(app)
    }

Right:

    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }
    step push {
      after migrate
      do push(app)
    }
"#;
    SAME_IDENTITY = Error "P0310" "same_identity" "Two environments have one database"
r#"A rehearsal in the one would change the other. Give each environment its own address.

Wrong:

    environment staging { db.url = "postgres://db.internal/app" }
    environment production { db.url = "postgres://db.internal/app" }

Right:

    environment staging { db.url = "postgres://db.internal/app_staging" }
    environment production { db.url = "postgres://db.internal/app" }
"#;
    WRONG_BACKUP = Error "P0311" "wrong_backup" "A database is restored from the backup of another"
r#"`restore` refuses a backup whose identity does not match, so this way back could never work.

Wrong:

    step backup { do backup(users, to: "backups", keep: 7d) }
    step migrate {
      after backup
      do migrate(orders)
      undo ask restore(orders, from: backup.file)
    }

Right:

    step backup { do backup(orders, to: "backups", keep: 7d) }
    step migrate {
      after backup
      do migrate(orders)
      undo ask restore(orders, from: backup.file)
    }
"#;
    TOO_EARLY = Error "P0312" "too_early" "A step uses its own output before there is one"
r#"Outputs exist once the action has ended well. `when`, `require`, `remember`, the action itself and `done when` cannot use them.

Wrong:

    step build {
      require build.stdout == ""
      do run("make")
      undo run("make clean")
    }

Right:

    step build {
      do run("make")
      verify build.stdout == ""
      undo run("make clean")
    }
"#;
    NO_REVIEW = Warning "P0401" "no_review" "A production migration that nobody looks at first"
r#"Neither a `preview` of the database nor a gate comes before it. Production is an environment called `production`, `prod` or `live`; a plan without environments counts as production too.

Wrong:

    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }

Right:

    step preview { do preview(db) }
    gate go {
      after preview
      show preview.sql
      approve 1 of ["dba"]
    }
    step backup {
      after go
      do backup(db, to: "backups", keep: 7d)
    }
    step migrate {
      after backup
      do migrate(db)
      undo downgrade(db)
    }
"#;
    NO_VERIFICATION = Warning "P0402" "no_verification" "A production migration that nothing verifies"
r#"Neither its step nor one after it has a `verify`.

Wrong:

    do   migrate(db, to: revision)
    undo downgrade(db)

Right:

    do     migrate(db, to: revision)
    verify db.revision == revision
    undo   downgrade(db)
"#;
    NO_WATCH = Warning "P0403" "no_watch" "Nobody watches after the last change"
r#"Most faults show within minutes. After the last change of a release to production a `verify … for` of at least 10 minutes looks on.

Wrong:

    step push { do push(app) }

Right:

    step push { do push(app) }
    step watch {
      after push
      verify api.get("/health").status == 200 for 30m every 15s misses 2
    }
"#;
    NO_WINDOW = Warning "P0404" "no_window" "A release to production has no window"
r#"Say when production may be changed: in the environment, or in a gate.

Wrong:

    environment production { on failure ask }

Right:

    environment production {
      window "22:00-06:00 Asia/Seoul"
      on failure ask
    }
"#;
    MANY_CHANGES = Warning "P0405" "many_changes" "A release makes more than one change"
r#"When something is wrong afterwards, nobody knows which change it was, and all are taken back for the sake of one. A migration and the push of the code that needs it are one change; two migrations are not.

Wrong:

    step first {
      after backup
      do migrate(db, to: "0007")
      undo downgrade(db)
    }
    step second {
      after first
      do migrate(db, to: "0008")
      undo downgrade(db)
    }

Right:

    step first { # and 0008 in the next release
      after backup
      do migrate(db, to: "0007")
      undo downgrade(db)
    }
"#;
    BACKUP_STAYS = Warning "P0406" "backup_stays" "A backup is copied nowhere"
r#"A backup on the machine that runs the plan goes with that machine. Give it a second place, say how long it is kept here, or let a later step carry its `file` away.

Wrong:

    do backup(db, to: "backups")

Right:

    do backup(db, to: "backups", copy: "s3://team-backups/app")
"#;
    SECRET_ON_COMMAND_LINE = Warning "P0407" "secret_on_command_line" "A secret stands on a command line"
r#"Everybody on the machine can read the command lines of all processes. Hand it over in an environment variable, or on stdin.

Wrong:

    do run("deploy --token {{token}}")

Right:

    do run("deploy", env: { TOKEN: token })
"#;
    RAW_IN_SHELL = Warning "P0408" "raw_in_shell" "A value goes into a shell without quotes"
r#"With three braces a value is not quoted: a blank splits it, and `;` or `$(…)` in it are commands.

Wrong:

    do shell("tar czf {{{name}}}.tgz dist")

Right:

    do shell("tar czf {{name}}.tgz dist")
"#;
    NEEDLESS_ALLOW = Warning "P0409" "needless_allow" "An `allow` silences nothing"
r#"What it allowed has been mended, or it stands in the wrong step. Take it away, so that it does not hide the next one.

Wrong:

    allow raw_in_shell "the name has no blanks"
    do shell("tar czf {{name}}.tgz dist")

Right:

    do shell("tar czf {{name}}.tgz dist")
"#;
}
