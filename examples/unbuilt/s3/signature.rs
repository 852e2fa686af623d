//! AWS signature version 4, for S3 (AWS, "Signature Version 4 signing process").

use crate::clock::Time;
use crate::sha256::{hash, hex, hmac};
use crate::zeno::Json;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request: its path is encoded, its query is not.
pub struct Request<'a> {
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    pub query: Vec<(String, String)>,
    pub body: &'a str,
}

impl Request<'_> {
    /// Returns the query in its canonical form, behind `before` if there is one.
    pub fn query_text(&self, before: &str) -> String {
        let mut pairs: Vec<String> = Vec::new();
        let mut sorted: Vec<_> = self.query.iter().map(|(n, v)| (encoded(n, false), encoded(v, false))).collect();
        sorted.sort();
        pairs.extend(sorted.into_iter().map(|(name, value)| format!("{}={}", name, value)));
        if pairs.is_empty() { String::new() } else { format!("{}{}", before, pairs.join("&")) }
    }
}

/// Who signs, for where, and when.
pub struct Signer {
    pub key: String,
    pub secret: String,
    pub region: String,
    pub time: Time,
}

impl Signer {
    /// Returns the headers that sign a request, all but `Host`, which every request has.
    pub fn headers(&self, request: &Request) -> Vec<(&'static str, Json)> {
        let body = hex(&hash(request.body.as_bytes()));
        let signed = [("host", request.host), ("x-amz-content-sha256", &body), ("x-amz-date", &self.time.stamp())];
        let (names, signature) = self.signature(request, &signed, &body);
        let authorization = format!(
            "{} Credential={}/{},SignedHeaders={},Signature={}",
            ALGORITHM, self.key, self.scope(), names, signature
        );
        vec![
            ("x-amz-content-sha256", body.into()),
            ("x-amz-date", self.time.stamp().into()),
            ("Authorization", authorization.into()),
        ]
    }

    /// Returns a URL that holds its own signature.
    pub fn presigned(&self, request: &Request, scheme: &str, expires: i64) -> String {
        let mut query = request.query.clone();
        for (name, value) in [
            ("X-Amz-Algorithm", ALGORITHM.to_string()),
            ("X-Amz-Credential", format!("{}/{}", self.key, self.scope())),
            ("X-Amz-Date", self.time.stamp()),
            ("X-Amz-Expires", expires.to_string()),
            ("X-Amz-SignedHeaders", "host".to_string()),
        ] {
            query.push((name.to_string(), value));
        }
        let request = Request { query, ..*request };
        let (_, signature) = self.signature(&request, &[("host", request.host)], "UNSIGNED-PAYLOAD");
        let query = request.query_text("?");
        format!("{}://{}{}{}&X-Amz-Signature={}", scheme, request.host, request.path, query, signature)
    }

    fn signature(&self, request: &Request, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{}:{}\n", name, value.trim())).collect();
        let canonical =
            [request.method, request.path, &request.query_text(""), &lines, &names, body].join("\n");
        let text = [ALGORITHM, &self.time.stamp(), &self.scope(), &hex(&hash(canonical.as_bytes()))].join("\n");
        let mut key = hmac(format!("AWS4{}", self.secret).as_bytes(), self.time.day().as_bytes());
        for part in [self.region.as_str(), "s3", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        (names, hex(&hmac(&key, text.as_bytes())))
    }

    fn scope(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.time.day(), self.region)
    }
}

/// Returns text with all but letters, digits and `-._~` as percent signs and digits; a path keeps its slashes.
pub fn encoded(text: &str, is_path: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (is_path && byte == b'/') {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{:02X}", byte));
        }
    }
    out
}
