//! Keeps secrets out of everything that is shown or kept: each occurrence, raw or in the encodings that tools commonly
//! print, becomes `***`. What a child process transforms otherwise cannot be recognised.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::model::Value;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Secrets, and lines of secrets, shorter than this (in characters) would tear ordinary words apart.
pub const SHORTEST: usize = 6;

/// A secret that is too short to be masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortSecret {
    pub name: String,
}

impl std::fmt::Display for ShortSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the secret `{}` has fewer than {SHORTEST} characters: it cannot be masked", self.name)
    }
}

impl std::error::Error for ShortSecret {}

/// Finds secrets. Built once a run; searching is linear in the text, however many secrets there are.
#[derive(Debug, Default)]
pub struct Masker {
    /// `None`: there are no secrets.
    search: Option<Search>,
}

#[derive(Debug)]
struct Search {
    automaton: AhoCorasick,
    /// Sorted, so that "is this the beginning of a needle" is a binary search.
    needles: Vec<Vec<u8>>,
    longest: usize,
    /// Whether some needle begins with this byte.
    begins: [bool; 256],
}

impl Masker {
    /// A masker over secrets by name. A password inside a secret URL counts as a secret of its own.
    ///
    /// # Errors
    /// Names the first secret with fewer than [`SHORTEST`] characters.
    pub fn new<N, V>(secrets: impl IntoIterator<Item = (N, V)>) -> Result<Self, ShortSecret>
    where
        N: Into<String>,
        V: AsRef<str>,
    {
        let mut needles = BTreeSet::new();
        for (name, value) in secrets {
            let value = value.as_ref();
            if value.trim().chars().count() < SHORTEST {
                return Err(ShortSecret { name: name.into() });
            }
            parts_of(value).iter().for_each(|part| forms_of(part, &mut needles));
        }
        if needles.is_empty() {
            return Ok(Self::default());
        }
        let needles: Vec<Vec<u8>> = needles.into_iter().collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&needles)
            .expect("secrets are far smaller than what the automaton can number");
        let mut begins = [false; 256];
        needles.iter().filter_map(|needle| needle.first()).for_each(|byte| begins[usize::from(*byte)] = true);
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Self { search: Some(Search { automaton, needles, longest, begins }) })
    }

    /// The text with every secret replaced.
    pub fn mask(&self, text: &str) -> String {
        match &self.search {
            Some(search) if search.automaton.is_match(text) => {
                let mut out = Vec::with_capacity(text.len());
                search.cover(text.as_bytes(), text.len(), 0, &mut out);
                String::from_utf8_lossy(&out).into_owned()
            }
            Some(_) | None => text.to_owned(),
        }
    }

    /// The value with every secret replaced, at any depth, in keys too.
    pub fn mask_value(&self, value: &Value) -> Value {
        if self.search.is_none() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.mask(text)),
            Value::Regex(text) => Value::Regex(self.mask(text)),
            Value::Json(json) => Value::Json(self.mask_json(json)),
            Value::List(items) => Value::List(items.iter().map(|item| self.mask_value(item)).collect()),
            Value::Map(members) => Value::Map(self.mask_members(members)),
            Value::Record(members) => Value::Record(self.mask_members(members)),
            Value::Call { function, args } => Value::Call { function: function.clone(), args: self.mask_members(args) },
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Duration(_) => value.clone(),
            Value::Size(_) | Value::Time(_) | Value::Resource(_) => value.clone(),
        }
    }

    fn mask_members(&self, members: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        members.iter().map(|(name, value)| (self.mask(name), self.mask_value(value))).collect()
    }

    fn mask_json(&self, json: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match json {
            Json::String(text) => Json::String(self.mask(text)),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.mask_json(item)).collect()),
            Json::Object(members) => {
                Json::Object(members.iter().map(|(name, value)| (self.mask(name), self.mask_json(value))).collect())
            }
            Json::Number(number) => self.mask_number(number),
            Json::Null | Json::Bool(_) => json.clone(),
        }
    }

    /// A secret of digits only may come back as a number.
    fn mask_number(&self, number: &serde_json::Number) -> serde_json::Value {
        let text = number.to_string();
        let masked = self.mask(&text);
        if masked == text { serde_json::Value::Number(number.clone()) } else { serde_json::Value::String(masked) }
    }
}

/// Members by name, each masked; for outputs, whose names are the registry's.
pub(crate) fn mask_members(masker: &Masker, members: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), masker.mask_value(value))).collect()
}

/// A secret, its lines when it has several, and the password when it is a URL.
fn parts_of(secret: &str) -> Vec<String> {
    let whole = secret.trim_end_matches(['\n', '\r']);
    let mut parts = vec![whole.to_owned()];
    if whole.contains('\n') {
        parts.push(whole.replace("\r\n", "\n"));
        parts.push(whole.replace("\r\n", "\n").replace('\n', "\r\n"));
        parts.extend(whole.lines().map(|line| line.trim().to_owned()));
    }
    if let Some(password) = url_password(whole) {
        parts.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
        parts.push(password.to_owned());
    }
    parts.retain(|part| part.chars().count() >= SHORTEST);
    parts
}

/// `scheme://user:PASSWORD@host…`
fn url_password(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // A password that nobody encoded may hold an `@` or a `/`; the last `@` ends the credentials then.
    let (user_info, _) = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@'))?;
    user_info.split_once(':').map(|(_, password)| password)
}

/// `encodeURIComponent` and most libraries: what is not unreserved is encoded.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// JavaScript leaves these as well.
const SCRIPT: &AsciiSet = &COMPONENT.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// Python's `quote` leaves the slash.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

fn forms_of(part: &str, needles: &mut BTreeSet<Vec<u8>>) {
    let bytes = part.as_bytes();
    let mut add = |form: String| {
        if form.len() >= SHORTEST {
            needles.insert(form.into_bytes());
        }
    };
    add(part.to_owned());
    for set in [COMPONENT, SCRIPT, PATH] {
        let encoded = utf8_percent_encode(part, set).to_string();
        add(encoded.replace("%20", "+"));
        add(lower_escapes(&encoded));
        add(lower_escapes(&encoded).replace("%20", "+"));
        add(encoded);
    }
    json_forms(part).into_iter().for_each(&mut add);
    shell_forms(part).into_iter().for_each(&mut add);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    add(hex.to_uppercase());
    add(hex);
    for offset in 0..3 {
        let shifted: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
        // Only characters all of whose bits come from the secret: the others depend on what stands around it.
        let first = (8 * offset).div_ceil(6);
        let last = 8 * shifted.len() / 6;
        add(STANDARD_NO_PAD.encode(&shifted)[first..last].to_owned());
        add(URL_SAFE_NO_PAD.encode(&shifted)[first..last].to_owned());
    }
}

/// `%2F` → `%2f`
fn lower_escapes(encoded: &str) -> String {
    let mut left = 0;
    let lower = |c: char| match c {
        '%' => {
            left = 2;
            c
        }
        c if left > 0 => {
            left -= 1;
            c.to_ascii_lowercase()
        }
        c => c,
    };
    encoded.chars().map(lower).collect()
}

/// As in a JSON string: with characters as they are, or all in ASCII; slashes escaped or not.
fn json_forms(part: &str) -> Vec<String> {
    let quoted = serde_json::Value::String(part.to_owned()).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let ascii = |upper: bool| -> String {
        let mut units = [0; 2];
        let mut out = String::new();
        for c in plain.chars() {
            if c.is_ascii() && c != '\u{7f}' {
                out.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
            }
        }
        out
    };
    let forms = [plain.clone(), ascii(false), ascii(true)];
    // Go and PHP write some punctuation as escapes.
    let html = |form: &String| form.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    let slashes = |form: &String| form.replace('/', "\\/");
    forms.iter().flat_map(|form| [form.clone(), slashes(form), html(form)]).collect()
}

/// As quoted for a shell: `'it'\''s'`, `'it'"'"'s'`, `"a\$b"`, `a\ b`, `$'a\nb'`.
fn shell_forms(part: &str) -> Vec<String> {
    let escaped = |special: &dyn Fn(char) -> bool| -> String {
        part.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
    };
    let double = escaped(&|c| "\"\\$`".contains(c));
    let bare = escaped(&|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(c));
    let bash = escaped(&|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+".contains(c));
    let ansi = part.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
    vec![part.replace('\'', "'\\''"), part.replace('\'', "'\"'\"'"), double, bare, bash, ansi.replace('\r', "\\r")]
}

impl Search {
    /// Copies `text[at..cut]` with every secret that begins there replaced, overlapping ones by one mask; what lies before
    /// `at` belongs to a secret whose mask is written. Returns the end of what is written or masked: it may lie after `cut`.
    fn cover(&self, text: &[u8], cut: usize, mut at: usize, out: &mut Vec<u8>) -> usize {
        for (start, end) in self.spans(text).into_iter().take_while(|(start, _)| *start < cut) {
            if start >= at {
                out.extend_from_slice(&text[at..start]);
                out.extend_from_slice(MASK.as_bytes());
            }
            at = at.max(end);
        }
        if at < cut {
            out.extend_from_slice(&text[at..cut]);
            at = cut;
        }
        at
    }

    /// Where secrets stand, sorted; overlapping ones are one span.
    fn spans(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> =
            self.automaton.find_overlapping_iter(text).map(|hit| (hit.start(), hit.end())).collect();
        found.sort_unstable();
        let mut spans: Vec<(usize, usize)> = Vec::with_capacity(found.len());
        for (start, end) in found {
            match spans.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => spans.push((start, end)),
            }
        }
        spans
    }

    /// From where on the text may be the beginning of a secret that goes on in the next chunk.
    fn unfinished(&self, text: &[u8]) -> usize {
        let earliest = text.len().saturating_sub(self.longest.saturating_sub(1));
        (earliest..text.len())
            .find(|from| self.begins[usize::from(text[*from])] && self.begins_needle(&text[*from..]))
            .unwrap_or(text.len())
    }

    fn begins_needle(&self, start: &[u8]) -> bool {
        let at = self.needles.partition_point(|needle| needle.as_slice() < start);
        self.needles.get(at).is_some_and(|needle| needle.len() > start.len() && needle.starts_with(start))
            || self.needles.get(at + 1).is_some_and(|needle| needle.starts_with(start))
    }
}

/// Masks a stream whose chunks may cut a secret anywhere. Nothing is held back but a tail that is, byte for byte, the
/// beginning of a secret; so output that looks like none passes at once, and no part of a secret ever does.
#[derive(Debug)]
pub struct MaskStream {
    masker: std::sync::Arc<Masker>,
    held: Vec<u8>,
    /// So many bytes of `held` belong to a secret whose mask is written already.
    covered: usize,
}

impl MaskStream {
    /// A stream that has not begun.
    pub fn new(masker: std::sync::Arc<Masker>) -> Self {
        Self { masker, held: Vec::new(), covered: 0 }
    }

    /// Takes the next chunk and appends to `out` what can be shown.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.masker.search.is_none() {
            return out.extend_from_slice(chunk);
        }
        self.held.extend_from_slice(chunk);
        self.release(false, out);
    }

    /// The stream has ended: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(true, out);
    }

    fn release(&mut self, last: bool, out: &mut Vec<u8>) {
        let Some(search) = &self.masker.search else { return };
        let text = std::mem::take(&mut self.held);
        let cut = if last { text.len() } else { search.unfinished(&text) };
        let at = search.cover(&text, cut, self.covered, out);
        self.covered = at - cut;
        self.held = text[cut..].to_vec();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn masker(secrets: &[&str]) -> Arc<Masker> {
        Arc::new(Masker::new(secrets.iter().map(|s| ("s", s))).unwrap())
    }

    fn streamed(masker: &Arc<Masker>, text: &[u8], chunk: usize) -> Vec<u8> {
        let mut stream = MaskStream::new(masker.clone());
        let mut out = Vec::new();
        text.chunks(chunk).for_each(|part| stream.push(part, &mut out));
        stream.finish(&mut out);
        out
    }

    #[test]
    fn short_secrets_are_refused_by_name() {
        assert_eq!(Masker::new([("pin", "12345")]).unwrap_err().name, "pin");
        assert!(Masker::new([("pin", "  123  \n")]).is_err());
        assert!(Masker::new([("비밀", "비밀번호입니다")]).is_ok());
    }

    #[test]
    fn every_form_is_masked() {
        let secret = "p@ss/w'ord \"x\"$é";
        let masker = masker(&[secret]);
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        let mut forms = vec![secret.to_owned(), hex.to_uppercase(), hex];
        forms.push("p%40ss%2Fw%27ord%20%22x%22%24%C3%A9".into());
        forms.push("p%40ss%2fw%27ord+%22x%22%24%c3%a9".into());
        forms.push("p%40ss/w%27ord%20%22x%22%24%C3%A9".into());
        forms.push(serde_json::to_string(secret).unwrap().trim_matches('"').trim_end_matches('\\').to_owned());
        forms.push("p@ss/w'ord \\\"x\\\"$\\u00e9".into());
        forms.push("p@ss/w'\\''ord \"x\"$é".into());
        forms.push("p@ss/w'ord \\\"x\\\"\\$é".into());
        forms.push("p@ss/w\\'ord\\ \\\"x\\\"\\$é".into());
        for form in &forms {
            assert_eq!(masker.mask(&format!("<{form}>")), "<***>", "{form}");
        }
    }

    #[test]
    fn base64_is_masked_at_every_offset() {
        let masker = masker(&["correct horse battery"]);
        for before in ["", "u", "us", "user:", "user:x"] {
            for after in ["", "1", "12", "123"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}correct horse battery{after}"));
                let masked = masker.mask(&encoded);
                assert!(masked.contains(MASK), "{before:?} {after:?}: {masked}");
                assert!(masked.len() - MASK.len() <= (before.len() + after.len()) * 4 / 3 + 4, "{masked}");
            }
        }
    }

    #[test]
    fn lines_and_url_passwords_are_secrets_of_their_own() {
        let masker = masker(&["-----BEGIN\nMIIEpAIBAAKC\nab\n", "postgres://app:s3cr%40t-pw@db/app"]);
        assert_eq!(masker.mask("  MIIEpAIBAAKC ab"), "  *** ab");
        assert_eq!(masker.mask("login with s3cr@t-pw or s3cr%40t-pw"), "login with *** or ***");
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        let masker = masker(&["abcdef", "defghijk"]);
        assert_eq!(masker.mask("1abcdefghijk2"), "1***2");
        assert_eq!(masker.mask("abcdefabcdef"), "******");
    }

    #[test]
    fn a_stream_says_what_the_whole_says() {
        let masker = masker(&["secret-one", "one-and-two", "seセcret", "abababab"]);
        let text = "x secret-one-and-two seセcret ababababab secret-on seセcre abababab".repeat(3);
        for chunk in 1..40 {
            assert_eq!(streamed(&masker, text.as_bytes(), chunk), masker.mask(&text).into_bytes(), "chunks of {chunk}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_secret_is_held_back() {
        let masker = masker(&["secret-one"]);
        let mut stream = MaskStream::new(masker);
        let mut out = Vec::new();
        stream.push(b"Password? ", &mut out);
        assert_eq!(out, b"Password? ");
        stream.push(b"secret", &mut out);
        assert_eq!(out, b"Password? ");
        stream.push(b"ary", &mut out);
        assert_eq!(out, b"Password? secretary");
    }

    #[test]
    fn values_are_masked_at_any_depth() {
        let masker = masker(&["12345678"]);
        let value = Value::List(vec![Value::Json(serde_json::json!({"a12345678": [12345678, "x12345678"]}))]);
        let expected = Value::List(vec![Value::Json(serde_json::json!({"a***": ["***", "x***"]}))]);
        assert_eq!(masker.mask_value(&value), expected);
    }

    proptest::proptest! {
        #[test]
        fn chunk_boundaries_do_not_matter(
            secrets in proptest::collection::vec("[ab]{6,9}", 1..4), text in "[abc]{0,80}", chunk in 1usize..20,
        ) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let masker = masker(&secrets);
            let out = streamed(&masker, text.as_bytes(), chunk);
            proptest::prop_assert_eq!(String::from_utf8(out.clone()).unwrap(), masker.mask(&text));
            for secret in secrets {
                proptest::prop_assert!(!String::from_utf8_lossy(&out).contains(secret));
            }
        }
    }
}
