//! Text that may go to a terminal.

use std::borrow::Cow;

/// Text with its control and bidirectional characters written as escapes (`\n`, `\u{1b}`, `\u{202e}`): quoted
/// in a message it stays on its line, steers no terminal, and reads in the order it is written in. Everything
/// else stays.
///
/// ```
/// assert_eq!(bygone_query::printable("a\u{1b}[31m\u{202e}b"), "a\\u{1b}[31m\\u{202e}b");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain ASCII.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unprintable(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// As [`printable`], without a copy of text that stays as it is.
pub(super) fn into_printable(text: String) -> String {
    match printable(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    }
}

/// Control characters, line and paragraph separators, and the marks that change the order of what is shown.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_escapes_and_nothing_else_does() {
        for (text, shown) in [
            ("a\0b", "a\\u{0}b"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\tb\r\nc", "a\\tb\\r\\nc"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m"),
            ("x\u{61c}y", "x\\u{61c}y"),
            ("\u{200e}\u{200f}", "\\u{200e}\\u{200f}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}", "\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}"),
            ("\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2066}\\u{2067}\\u{2068}\\u{2069}"),
            // A backslash is text: what is escaped already is not escaped again.
            ("\\u{1b} \\n 'x' \"y\"", "\\u{1b} \\n 'x' \"y\""),
            ("Zürich 日本 e\u{301} \u{200d} \u{a0}", "Zürich 日本 e\u{301} \u{200d} \u{a0}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(&printable(text)), shown);
        }
    }

    #[test]
    fn text_without_such_characters_is_not_copied() {
        for text in ["", "plain", "Zürich"] {
            assert!(matches!(printable(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
