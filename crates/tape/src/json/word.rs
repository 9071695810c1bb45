//! Values that are one of a few words.

/// A type whose values each have a word in the format.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// All words, in the order in which an error lists them.
    const WORDS: &'static [(&'static str, Self)];

    /// The words as an error lists them: `"fin" or "reset"`.
    fn said() -> String {
        let words: Vec<String> = Self::WORDS.iter().map(|(w, _)| format!("{w:?}")).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        }
    }
}

/// Gives an enum its words: for reading and writing ([`Word`]), and for showing a value
/// (`word()`).
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $crate::json::Word for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }

        impl $type {
            /// The format's word for it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

pub(crate) use words;
