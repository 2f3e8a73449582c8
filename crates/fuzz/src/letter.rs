//! How a corpus holds what comes over HTTP: a first line, headers below it, an empty line, and the body as it is.

/// What came, or is to come, over HTTP.
pub(crate) struct Letter<'a> {
    /// The query of a request, or the status of an answer.
    pub(crate) first: String,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

impl<'a> Letter<'a> {
    pub(crate) fn read(data: &'a [u8]) -> Self {
        let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
        let head = String::from_utf8_lossy(data.get(..end).unwrap_or(data));
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_owned()))
        };
        Self { first, headers: lines.filter_map(header).collect(), body: data.get(end + 2..).unwrap_or_default() }
    }
}
