//! Lines to standard output and standard error that survive a closed pipe, and that input cannot forge.
//!
//! `println!` panics when the reader has gone (`parhelion run ... | head -1`); a simulation of hours must not end for that.
//! Here a line that nobody can read is dropped, and the run goes on.
//!
//! What is printed may hold pieces of input: names of files, values of decks, cells of tables, the environment. Control characters in it
//! could move the cursor, hide text or begin a line that looks like ours, so they are shown as escapes, written as in JSON.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write;

thread_local! {
    /// Lines to standard error that are kept instead, if they are.
    static KEPT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a task whose results nobody reads here, and whose messages are returned instead of printed: those of this thread.
pub fn kept_back<T>(task: impl FnOnce() -> T) -> (T, String) {
    KEPT.set(Some(String::new()));
    let result = task();
    (result, KEPT.take().unwrap_or_default())
}

/// Whether a text has been kept back. A result is dropped.
fn keep_back(message: &str) -> bool {
    KEPT.with_borrow_mut(|kept| kept.as_mut().map(|kept| kept.push_str(message)).is_some())
}

/// A result, to standard output, with a newline; it may have several lines.
pub fn print(text: &str) {
    if keep_back("") {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    // A closed pipe or a full disk behind a redirection: nobody can be told, and the files of the run are complete without.
    let _ = writeln!(stdout, "{}", escaped(text, &['\n', '\t'])).and_then(|()| stdout.flush());
}

/// As [`print()`], for a text of ours with colours of the terminal in it.
pub fn print_coloured(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", escaped(text, &['\n', '\t', '\x1b'])).and_then(|()| stdout.flush());
}

/// Progress or a warning: one line to standard error, in one write so that ranks do not interleave.
pub fn message(text: &str) {
    lines(&one_line(text));
}

/// As [`message`], for a text of several lines, each of which is ours.
pub fn lines(text: &str) {
    let text = format!("{}\n", escaped(text, &['\n']));
    if !keep_back(&text) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// The text without control characters, ends of lines among them: each is written as its escape.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_hidden = |c: char| is_control(c) && !kept.contains(&c);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if !is_hidden(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // All of them lie below 2^16.
            other => write!(shown, "\\u{:04x}", u32::from(other)).unwrap_or_default(),
        }
    }
    Cow::Owned(shown)
}

/// Control characters, ends of lines of Unicode, and those that turn the direction of a text.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_task_are_kept_back() {
        let (result, words) = kept_back(|| {
            print("a result");
            message("first\u{7}");
            lines("second\nthird");
            7
        });
        assert_eq!((result, words.as_str()), (7, "first\\u0007\nsecond\nthird\n"));
        assert!(!keep_back("and no longer"));
    }

    #[test]
    fn control_characters_are_shown_as_escapes() {
        let hostile = "a\u{1b}[2J\nerror: \u{9b}1m\u{202e}\r\t\u{7f}\u{0}é";
        assert_eq!(one_line(hostile), "a\\u001b[2J\\nerror: \\u009b1m\\u202e\\r\\t\\u007f\\u0000é");
        assert_eq!(escaped("a\n\tb\u{7}", &['\n', '\t']), "a\n\tb\\u0007");
        assert!(matches!(one_line("plain text, µm and 漢字"), Cow::Borrowed(_)));
    }
}
