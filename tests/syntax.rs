//! The plan language as text: golden files for diagnostics and for the formatter, and properties of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plan::diag::Diagnostic;
use plan::source::Source;
use plan::syntax::{Limits, codes, format, parse};

fn files(dir: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    found.sort();
    found
}

fn source(text: &str) -> Arc<Source> {
    Source::new("test.plan", text)
}

/// One line a diagnostic, as fixtures have them.
fn lines(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let line = |diagnostic: &Diagnostic| {
        let (line, column) = source.position(diagnostic.span.start);
        format!("#~ {} {line}:{column} {}\n", diagnostic.code.id, diagnostic.message)
    };
    diagnostics.iter().map(line).collect()
}

/// A fixture without its expectations, and these.
fn split(fixture: &str) -> (String, String) {
    let (expected, plan): (Vec<&str>, Vec<&str>) =
        fixture.split_inclusive('\n').partition(|line| line.starts_with("#~"));
    (plan.concat(), expected.concat())
}

/// The limits that a fixture asks for in its first line: `# limits: file=40`.
fn limits(plan: &str) -> Limits {
    let mut limits = Limits::default();
    let asked = plan.lines().next().and_then(|line| line.strip_prefix("# limits: ")).unwrap_or("");
    for (name, value) in asked.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        let value = value.parse().unwrap();
        match name {
            "file" => limits.file = value,
            "text" => limits.text = value,
            "nodes" => limits.nodes = value,
            _ => panic!("no limit {name}"),
        }
    }
    limits
}

fn check_fixture(path: &Path) -> Result<Vec<&'static str>, String> {
    let (plan, expected) = split(&fs::read_to_string(path).unwrap());
    let source = Source::new(path, plan.clone());
    let diagnostics = parse(&source, &limits(&plan)).diagnostics;
    for diagnostic in &diagnostics {
        assert!(diagnostic.advice.is_some(), "{}: no advice: {diagnostic:?}", path.display());
        assert!(source.text().get(diagnostic.span.range()).is_some(), "{}: bad place: {diagnostic:?}", path.display());
    }
    let seen = lines(&source, &diagnostics);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, format!("{plan}{seen}")).unwrap();
    } else if seen != expected {
        return Err(format!("{}\nexpected:\n{expected}seen:\n{seen}", path.display()));
    }
    Ok(diagnostics.iter().map(|diagnostic| diagnostic.code.id).collect())
}

#[test]
fn fixtures_show_their_diagnostics_and_nothing_else() {
    let mut failures = Vec::new();
    for code in codes::CODES {
        let dir = format!("tests/golden/diagnostics/{}", code.id);
        let fixtures = if Path::new(&dir).is_dir() { files(&dir, ".plan") } else { Vec::new() };
        if fixtures.is_empty() {
            failures.push(format!("{} {} has no fixture in {dir}", code.id, code.name));
        }
        for fixture in fixtures {
            match check_fixture(&fixture) {
                Ok(seen) if !seen.contains(&code.id) => failures.push(format!("{} lacks its code", fixture.display())),
                Ok(_) => {}
                Err(failure) => failures.push(failure),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Formats a text that is right and checks all that the formatter promises.
fn formatted(text: &str) -> String {
    let before = parse(&source(text), &Limits::default());
    assert_eq!(before.diagnostics, vec![], "{text}");
    let out = format(&source(text), &Limits::default()).unwrap();
    let after = parse(&source(&out), &Limits::default());
    assert_eq!(after.diagnostics, vec![], "formatting broke\n{text}\nto\n{out}");
    assert_eq!(before.ast, after.ast, "formatting changed\n{text}\nto\n{out}");
    assert_eq!(comments(text), comments(&out), "formatting lost comments of\n{text}\nin\n{out}");
    let again = format(&source(&out), &Limits::default()).unwrap();
    assert_eq!(out, again, "formatting twice changed\n{text}");
    out
}

fn comments(text: &str) -> Vec<String> {
    let trivia = parse(&source(text), &Limits::default()).trivia;
    trivia.comments.iter().map(|span| text[span.range()].trim_end().to_owned()).collect()
}

#[test]
fn formatter_fixtures() {
    let mut failures = Vec::new();
    for path in files("tests/golden/format", ".in.plan") {
        let out = formatted(&fs::read_to_string(&path).unwrap());
        let expected = PathBuf::from(path.to_string_lossy().replace(".in.plan", ".out.plan"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&expected, &out).unwrap();
        } else if fs::read_to_string(&expected).unwrap() != out {
            failures.push(format!("{}:\n{out}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A small deterministic generator, so that a failure names its seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.roll(from.len() as u64) as usize]
    }

    /// Blanks, and inside brackets now and then a line break with comments.
    fn gap(&mut self, bracket: bool) -> String {
        match self.roll(if bracket { 12 } else { 4 }) {
            0 => "  ".to_owned(),
            1 => "\t".to_owned(),
            4 => "\n".to_owned(),
            5 => " # gap\n\n   ".to_owned(),
            6 => "\n# own\n".to_owned(),
            7 => "# two\n # lines\n".to_owned(),
            _ => " ".to_owned(),
        }
    }

    /// Where a line may go on outside of brackets.
    fn bend(&mut self) -> String {
        self.gap(true)
    }

    fn value(&mut self, depth: u64) -> String {
        let atoms = [
            "a",
            "plan.title",
            "db.rows(\"t\")",
            "1",
            "0.5",
            "10m",
            "3MiB",
            "\"t {{a.b}} # no\"",
            "r\"\\\"",
            "/x#\\/y/",
            "none",
            "true",
            "백업",
            "step",
            "undo",
            "x[0]",
        ];
        if depth == 0 {
            return self.pick(&atoms).to_owned();
        }
        let inner = |dice: &mut Self| dice.expr(depth - 1, true);
        let (a, b) = (self.gap(true), self.gap(true));
        let (c, d) = (self.gap(true), self.gap(true));
        let (x, y) = (inner(self), inner(self));
        match self.roll(8) {
            0 => format!("[{a}{x}{b},{c}{y}{d}]"),
            1 => format!("({a}{x}{b})"),
            2 => format!("f({a}{x}{b},{c}in:{d}{y})"),
            3 => format!("{{{a}k:{x}{b},{c}\"q r\"{d}:{y},}}"),
            4 => format!("x.g({a}or: {x}{b}).h[{c}{y}{d}]"),
            5 => format!("[{a}]"),
            _ => self.pick(&atoms).to_owned(),
        }
    }

    fn expr(&mut self, depth: u64, bracket: bool) -> String {
        let mut out = String::new();
        if self.roll(5) == 0 {
            out.push_str("not ");
        }
        out.push_str(&self.value(depth));
        for _ in 0..self.roll(3) {
            let logic = self.pick(&["and", "or"]);
            let before = if bracket { self.gap(true) } else { self.bend() };
            let after = self.bend();
            let operand = self.value(depth);
            out.push_str(&format!(" {before} {logic} {after} {operand}"));
        }
        if self.roll(2) == 0 {
            let operator = self.pick(&["+", "-", "*"]);
            let after = self.bend();
            let operand = self.value(depth);
            out.push_str(&format!(" {operator} {after}-{operand}"));
        }
        out
    }

    fn clause(&mut self) -> String {
        let expr = self.expr(2, false);
        let small = self.value(1);
        let bend = self.bend();
        match self.roll(12) {
            0 => format!("require {expr} within 5m every 3s {bend} else \"no\""),
            1 => format!("undo ask f({bend}) {bend} or {bend} x.y({small})"),
            2 => format!("after a,{bend}b"),
            3 => format!("env {{{bend} A = {expr},{bend} B: {small}\n C = 1 }}"),
            4 => "do sql(db, \"\"\"\n      one\n\n    two\n  \"\"\")".to_owned(),
            5 => format!("approve 1 of [{bend}\"a\"] not author"),
            6 => format!("show {expr},{bend}{small}"),
            7 => "window \"x\" on mon .. fri,sun except \"y\"".to_owned(),
            8 => format!("remember x={bend}{expr}"),
            9 => "idempotent".to_owned(),
            10 => format!("verify undo {small} for 3m misses 2"),
            _ => format!("do {expr}"),
        }
    }

    fn plan(&mut self) -> String {
        let mut out = "plan p {".to_owned();
        for number in 0..self.roll(4) {
            out.push_str(&self.gap(true));
            out.push('\n');
            let head = self.pick(&["step", "gate"]);
            out.push_str(&format!("{head} s{number}{}\"T\" {{", self.gap(false)));
            for _ in 0..self.roll(5) {
                out.push_str(&self.gap(true));
                let clause = self.clause();
                out.push_str(&clause);
                out.push_str(self.pick(&["\n", " # end\n", "\n\n\n", "\n# below\n"]));
            }
            out.push_str(self.pick(&["}", "} # closed"]));
            out.push('\n');
            let value = self.expr(2, false);
            out.push_str(&format!("let v{number} = {value}\n"));
        }
        out.push_str("}\n# end");
        out
    }
}

#[test]
fn random_layouts_survive_formatting() {
    for seed in 1..400_u64 {
        let mut dice = Dice::new(seed);
        formatted(&dice.plan());
    }
}

#[test]
fn any_damage_is_reported_and_nothing_panics() {
    let plans: Vec<String> =
        files("tests/golden/format", ".in.plan").iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    let bits = [
        "{", "}", "(", ")", "[", "]", "\"", "\"\"\"", "'", "/", "\\", "\n", "#", ",", "=", ":", ";", "한", "”", " or ",
        "\u{FEFF}", "0", "in ",
    ];
    for seed in 1..1000_u64 {
        let mut dice = Dice::new(seed);
        let mut text = plans[dice.roll(plans.len() as u64) as usize].clone();
        for _ in 0..=dice.roll(3) {
            let mut at = dice.roll(text.len() as u64) as usize;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let cut = text[at..].chars().next().map_or(0, char::len_utf8) * dice.roll(2) as usize;
            let bit = if dice.roll(3) == 0 { "" } else { dice.pick(&bits) };
            text.replace_range(at..at + cut, bit);
        }
        let source = source(&text);
        let parsed = parse(&source, &Limits::default());
        for diagnostic in &parsed.diagnostics {
            assert!(text.get(diagnostic.span.range()).is_some(), "seed {seed}: {diagnostic:?}");
        }
        if parsed.diagnostics.is_empty() {
            formatted(&text);
        } else {
            assert_eq!(format(&source, &Limits::default()), None);
        }
        assert!(parsed.ast.is_some() || !parsed.diagnostics.is_empty(), "seed {seed}");
    }
}

fn example<'t>(explain: &'t str, fence: &str) -> Option<&'t str> {
    let (_, rest) = explain.split_once(&format!("```{fence}\n"))?;
    rest.split_once("\n```").map(|(example, _)| example).filter(|example| !example.contains('…'))
}

/// The diagnostics of an example as a file, as items of a plan and as clauses of a step.
fn read_each_way(example: &str) -> [Vec<&'static str>; 3] {
    let items = format!("plan p {{\n{example}\n}}\n");
    let clauses = format!("plan p {{\nstep s {{\n{example}\n}}\n}}\n");
    [example.to_owned(), items, clauses]
        .map(|text| parse(&source(&text), &Limits::default()).diagnostics.iter().map(|d| d.code.id).collect())
}

#[test]
fn explanations_show_what_they_say() {
    for code in codes::CODES {
        if let Some(right) = example(code.explain, "plan-part") {
            assert!(read_each_way(right).contains(&vec![]), "{}: not right: {right}", code.id);
        }
        if let Some(wrong) = example(code.explain, "plan-wrong") {
            let shown = |seen: &Vec<&str>| !seen.is_empty() && seen.iter().all(|id| *id == code.id);
            assert!(read_each_way(wrong).iter().any(shown), "{}: not wrong: {wrong}", code.id);
        }
    }
}
