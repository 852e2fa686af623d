//! As much XML as S3 answers: elements without attributes that matter, and five entities.

/// Returns what is inside of every element of a name, in order.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{}>", name), format!("</{}>", name));
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find(&open) {
        let inside = &rest[start + open.len()..];
        let end = match inside.find(&close) {
            Some(end) => end,
            None => break,
        };
        found.push(&inside[..end]);
        rest = &inside[end + close.len()..];
    }
    found
}

/// Returns the text of the first element of a name, "" if there is none.
pub fn text(xml: &str, name: &str) -> String {
    let raw = elements(xml, name).first().copied().unwrap_or("");
    // The ampersand last: it can be part of what stands for another.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#34;", "\""), ("&amp;", "&")]
        .iter()
        .fold(raw.to_string(), |text, (entity, character)| text.replace(entity, character))
}
