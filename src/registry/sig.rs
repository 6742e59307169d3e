//! What the types of a signature accept, yield and read like.

use std::fmt;

use crate::model::{FunctionKind, Ty};

use super::{Function, Param, Sig};

impl Function {
    /// The word that plans write: `head` for `database.head`.
    pub fn word(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// A probe that needs nothing but its resource: `db.revision`.
    pub fn is_member(&self) -> bool {
        self.kind == FunctionKind::Probe
            && self.on.is_some()
            && self.one_of.is_empty()
            && self.params.iter().skip(1).all(|param| !param.required)
    }

    /// The parameter with this name and its position.
    pub fn param(&self, name: &str) -> Option<(usize, &'static Param)> {
        self.params.iter().enumerate().find(|(_, param)| param.name == name)
    }

    /// How it is called: `count(value: string or list, pattern: regex?) -> int`.
    pub fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|param| {
                let optional = if param.required { "" } else { "?" };
                format!("{}{optional}: {}", param.name, param.sig)
            })
            .collect();
        let result = match self.result {
            Sig::Nothing => String::new(),
            other => format!(" -> {other}"),
        };
        format!("{}({}){result}", self.word(), params.join(", "))
    }
}

impl Sig {
    /// Whether an argument of type `given` fits. `first` is the type of the first argument.
    pub fn accepts(self, given: &Ty, first: Option<&Ty>) -> bool {
        if matches!(given, Ty::Error) {
            return true;
        }
        match self {
            Sig::Any => !matches!(given, Ty::Resource(_) | Ty::Tool | Ty::Action),
            Sig::Scalar => given.is_scalar() || matches!(given, Ty::Json),
            Sig::AnyList => matches!(given, Ty::List(_)),
            Sig::AnyMap => matches!(given, Ty::Map(_)),
            Sig::Action => matches!(given, Ty::Action),
            Sig::Nothing => matches!(given, Ty::None),
            Sig::OneOf(sigs) => sigs.iter().any(|sig| sig.accepts(given, first)),
            Sig::Is(_)
            | Sig::ElementOfFirst
            | Sig::OptionalElementOfFirst
            | Sig::SameAsFirst
            | Sig::ListOfElementOfFirst => self.yields(first).accepts(given),
        }
    }

    /// The type of a result with this signature. `first` is the type of the first argument.
    pub fn yields(self, first: Option<&Ty>) -> Ty {
        let element = || match first {
            Some(Ty::List(of) | Ty::Map(of)) => of.as_ref().clone(),
            Some(Ty::Json) => Ty::Json,
            Some(Ty::String) => Ty::String,
            Some(_) | None => Ty::Error,
        };
        match self {
            Sig::Is(make) => make(),
            Sig::ElementOfFirst => element(),
            Sig::OptionalElementOfFirst => Ty::optional(element()),
            Sig::ListOfElementOfFirst => Ty::list(element()),
            Sig::SameAsFirst => first.cloned().unwrap_or(Ty::Error),
            Sig::Action => Ty::Action,
            Sig::Nothing => Ty::record("no outputs", &[]),
            Sig::Any | Sig::Scalar | Sig::AnyList | Sig::AnyMap | Sig::OneOf(_) => Ty::Error,
        }
    }
}

impl fmt::Display for Sig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sig::Is(make) => write!(f, "{}", make()),
            Sig::Any => f.write_str("any"),
            Sig::Scalar => f.write_str("scalar"),
            Sig::AnyList => f.write_str("list"),
            Sig::AnyMap => f.write_str("map"),
            Sig::ElementOfFirst => f.write_str("element"),
            Sig::OptionalElementOfFirst => f.write_str("element?"),
            Sig::ListOfElementOfFirst => f.write_str("list(element)"),
            Sig::SameAsFirst => f.write_str("the same type"),
            Sig::Action => f.write_str("action"),
            Sig::Nothing => f.write_str("nothing"),
            Sig::OneOf(sigs) => {
                for (index, sig) in sigs.iter().enumerate() {
                    let separator = match index {
                        0 => "",
                        _ if index + 1 == sigs.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{separator}{sig}")?;
                }
                Ok(())
            }
        }
    }
}
