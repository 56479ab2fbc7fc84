//! Reads the text of a `.properties` file as Java's `Properties.load` does.
//!
//! It knows lines, escapes and separators, and not a single option.

/// The properties in `text`, in their order; names may come more than once.
///
/// Comments begin with `#` or `!`. A name ends at the first `=`, `:` or blank; a backslash at the
/// end of a line joins the next one; `\t`, `\n`, `\r`, `\f` and `\uXXXX` stand for characters, and
/// a backslash before any other character for that character.
///
/// # Errors
///
/// A sentence with the number of the line, for a `\u` without its four hexadecimal digits.
pub fn parse_properties(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut properties = Vec::new();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.split('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        let mut whole = line.trim_start_matches(is_blank).to_owned();
        if whole.is_empty() || whole.starts_with(['#', '!']) {
            continue;
        }
        while continues(&whole) {
            whole.pop();
            // The end of the text ends the line, too.
            let next = lines.next().map_or("", |(_, next)| next);
            whole.push_str(next.trim_start_matches(is_blank));
        }
        let pair = split(&whole).map_err(|problem| format!("line {}: {problem}", number + 1))?;
        properties.push(pair);
    }
    Ok(properties)
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\u{c}')
}

/// Whether the line goes on: it ends with a backslash that is not itself behind one.
fn continues(line: &str) -> bool {
    let backslashes = line.chars().rev().take_while(|letter| *letter == '\\');
    backslashes.count() % 2 == 1
}

fn split(line: &str) -> Result<(String, String), String> {
    let mut is_escaped = false;
    let end = line.find(|letter: char| {
        let ends = !is_escaped && (is_blank(letter) || matches!(letter, '=' | ':'));
        is_escaped = letter == '\\' && !is_escaped;
        ends
    });
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    Ok((
        unescape(name)?,
        unescape(value.trim_start_matches(is_blank))?,
    ))
}

fn unescape(text: &str) -> Result<String, String> {
    // Characters beyond the first plane are written as two halves.
    let mut units = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let mut pair = [0; 2];
        if letter != '\\' {
            units.extend_from_slice(letter.encode_utf16(&mut pair));
            continue;
        }
        match letters.next() {
            Some('t') => units.push(u16::from(b'\t')),
            Some('n') => units.push(u16::from(b'\n')),
            Some('r') => units.push(u16::from(b'\r')),
            Some('f') => units.push(0xc),
            Some('u') => {
                let digits: String = letters.by_ref().take(4).collect();
                let is_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                let complaint = || format!("\\u{digits} needs four hexadecimal digits");
                units.push(unit.ok_or_else(complaint)?);
            }
            Some(other) => units.extend_from_slice(other.encode_utf16(&mut pair)),
            None => {}
        }
    }
    Ok(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = parse_properties(text).unwrap();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn names_and_values_are_told_apart_as_java_does() {
        check("a=b", &[("a", "b")]);
        check("a : b ", &[("a", "b ")]);
        check("  a b=c", &[("a", "b=c")]);
        check("a", &[("a", "")]);
        check("=b", &[("", "b")]);
        check("a\\=b=c", &[("a=b", "c")]);
        check("a\\\\=c", &[("a\\", "c")]);
        check("a==b", &[("a", "=b")]);
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_line_ends_are_of_any_kind() {
        check(
            "# a=b\r\n\r\n  ! c=d\\\na=1\rb=2\r\nc=3",
            &[("a", "1"), ("b", "2"), ("c", "3")],
        );
    }

    #[test]
    fn a_backslash_joins_lines() {
        check("a=b,\\\n   c\nd=e", &[("a", "b,c"), ("d", "e")]);
        check("a=b,\\\r\n   c\r\nd=e", &[("a", "b,c"), ("d", "e")]);
        check("a=b\\\\\nd=e", &[("a", "b\\"), ("d", "e")]);
        check("a=b\\", &[("a", "b")]);
    }

    #[test]
    fn escapes_stand_for_characters() {
        check(
            "a=\\u00e9\\t\\q\\uD83D\\uDE00é",
            &[("a", "\u{e9}\tq\u{1f600}é")],
        );
        let error = parse_properties("a=1\nb=\\u00g1").unwrap_err();
        assert_eq!(error, "line 2: \\u00g1 needs four hexadecimal digits");
        assert!(parse_properties("a=\\u12").is_err());
    }
}
