//! The plugin s3: objects in S3-compatible storage. The hash and the signature are its own, there are no crates.

mod clock;
mod sha256;
mod signature;
mod xml;
mod zeno;

use signature::{encoded, Request, Signer};
use zeno::{Call, Json};

const METADATA: &str = r#"{"name":"s3","version":"1.0.0","license":"Apache-2.0",
    "description":"Objects in S3-compatible storage, with signatures of version 4"}"#;
const SLOTS: &str = r#"[
    {"name": "s3.put", "description": "Store text as an object",
     "inputs": {"bucket": {"type": "string", "required": true}, "key": {"type": "string", "required": true},
                "body": {"type": "string", "required": true}, "content_type": {"type": "string"}},
     "outputs": {"etag": {"type": "string"}}},
    {"name": "s3.get", "description": "Read an object; JSON comes as the value that it stands for",
     "inputs": {"bucket": {"type": "string", "required": true}, "key": {"type": "string", "required": true}},
     "outputs": {"body": {"type": "any"}}},
    {"name": "s3.delete", "description": "Remove an object",
     "inputs": {"bucket": {"type": "string", "required": true}, "key": {"type": "string", "required": true}}},
    {"name": "s3.list", "description": "List the objects whose keys begin with a prefix",
     "inputs": {"bucket": {"type": "string", "required": true}, "prefix": {"type": "string"},
                "limit": {"type": "int"}, "after": {"type": "string", "description": "The `next` of the page before"}},
     "outputs": {"objects": {"type": "list"}, "next": {"type": "string"}}},
    {"name": "s3.presign", "description": "Make a URL with which anybody can do one thing for a while",
     "inputs": {"bucket": {"type": "string", "required": true}, "key": {"type": "string", "required": true},
                "method": {"type": "string"}, "expires": {"type": "int", "description": "Seconds, at most 604800"}},
     "outputs": {"url": {"type": "string"}}},
    {"name": "s3.sign", "description": "Return the headers that sign a request without a body",
     "inputs": {"bucket": {"type": "string", "required": true}, "key": {"type": "string"},
                "method": {"type": "string"}, "query": {"type": "object"}},
     "outputs": {"headers": {"type": "object"}}}
]"#;
const LONGEST_EXPIRY: i64 = 604_800;

zeno::exports!(METADATA, SLOTS, run);

fn run(call: &Call) -> Result<Json, String> {
    match call.slot.as_str() {
        "s3.put" => put(call),
        "s3.get" => get(call),
        "s3.delete" => send(call, "DELETE", Vec::new(), "").map(|_| Json::object(vec![])),
        "s3.list" => list(call),
        "s3.presign" => presign(call),
        "s3.sign" => sign(call),
        _ => Err("unknown slot".to_string()),
    }
}

fn put(call: &Call) -> Result<Json, String> {
    let answer = send(call, "PUT", Vec::new(), call.parameters.get("body").text())?;
    Ok(Json::object(vec![("etag", header(&answer, "etag").trim_matches('"').into())]))
}

fn get(call: &Call) -> Result<Json, String> {
    let answer = send(call, "GET", Vec::new(), "")?;
    Ok(Json::object(vec![("body", answer.get("body").clone())]))
}

fn list(call: &Call) -> Result<Json, String> {
    let mut query = vec![("list-type".to_string(), "2".to_string())];
    for (name, parameter) in [("continuation-token", "after"), ("prefix", "prefix")] {
        match call.parameters.get(parameter).text() {
            "" => {}
            text => query.push((name.to_string(), text.to_string())),
        }
    }
    if let Some(limit) = call.parameters.get("limit").integer() {
        query.push(("max-keys".to_string(), limit.to_string()));
    }
    let answer = send(call, "GET", query, "")?;
    let page = answer.get("body").text();
    let objects = xml::elements(page, "Contents").into_iter().map(|entry| {
        let size = xml::text(entry, "Size").parse().map_or(Json::Null, Json::Integer);
        let etag = xml::text(entry, "ETag");
        Json::object(vec![
            ("key", xml::text(entry, "Key").into()),
            ("size", size),
            ("etag", etag.trim_matches('"').into()),
        ])
    });
    let next = xml::text(page, "NextContinuationToken");
    Ok(Json::object(vec![("objects", Json::List(objects.collect())), ("next", next.into())]))
}

fn presign(call: &Call) -> Result<Json, String> {
    let expires = call.parameters.get("expires").integer().unwrap_or(900);
    if !(1..=LONGEST_EXPIRY).contains(&expires) {
        return Err(format!("expires must be from 1 to {} seconds", LONGEST_EXPIRY));
    }
    let place = Place::of(call)?;
    let method = method(call);
    let url = signer(call)?.presigned(&place.request(&method, Vec::new(), ""), &place.scheme, expires);
    Ok(Json::object(vec![("url", url.into())]))
}

fn sign(call: &Call) -> Result<Json, String> {
    let query = match call.parameters.get("query") {
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        _ => Vec::new(),
    };
    let method = method(call);
    let headers = signer(call)?.headers(&Place::of(call)?.request(&method, query, ""));
    Ok(Json::object(vec![("headers", Json::object(headers))]))
}

/// Sends a signed request and returns what was answered, or the storage's own error.
fn send(call: &Call, method: &str, query: Vec<(String, String)>, body: &str) -> Result<Json, String> {
    let place = if call.slot == "s3.list" { Place::of_bucket(call)? } else { Place::of(call)? };
    let request = place.request(method, query, body);
    let mut headers = signer(call)?.headers(&request);
    if method == "PUT" {
        // With a type of its own, text goes out byte for byte.
        headers.push(("Content-Type", match call.parameters.get("content_type").text() {
            "" => "text/plain; charset=utf-8".into(),
            text => text.into(),
        }));
    }
    let url = format!("{}://{}{}{}", place.scheme, place.host, place.path, request.query_text("?"));
    let answer = zeno::request(method, &url, headers, if body.is_empty() { Json::Null } else { body.into() })?;
    match answer.get("status").integer() {
        Some(status) if (200..300).contains(&status) => Ok(answer),
        Some(status) => {
            let text = answer.get("body").text();
            Err(format!("the storage answered {}: {} {}", status, xml::text(text, "Code"), xml::text(text, "Message")))
        }
        None => Err("the storage gave no answer".to_string()),
    }
}

fn signer(call: &Call) -> Result<Signer, String> {
    let secret = zeno::env("AWS_SECRET_ACCESS_KEY");
    if secret.is_empty() {
        return Err("the environment has no AWS_SECRET_ACCESS_KEY".to_string());
    }
    Ok(Signer {
        key: call.config.get("access_key_id").text().to_string(),
        secret,
        region: call.config.get("region").text().to_string(),
        time: clock::now(),
    })
}

fn method(call: &Call) -> String {
    match call.parameters.get("method").text() {
        "" => "GET".to_string(),
        text => text.to_uppercase(),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn header(answer: &Json, wanted: &str) -> String {
    match answer.get("headers") {
        Json::Object(members) => {
            let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map_or(String::new(), |(_, value)| value.text().to_string())
        }
        _ => String::new(),
    }
}

/// Where an object or a bucket is.
struct Place {
    scheme: String,
    host: String,
    path: String,
}

impl Place {
    fn of(call: &Call) -> Result<Place, String> {
        let mut place = Place::of_bucket(call)?;
        let key = call.parameters.get("key").text();
        if key.is_empty() && call.slot != "s3.sign" {
            return Err("key must not be empty".to_string());
        }
        if !place.path.ends_with('/') {
            place.path.push('/');
        }
        place.path.push_str(&encoded(key, true));
        Ok(place)
    }

    fn of_bucket(call: &Call) -> Result<Place, String> {
        let bucket = call.parameters.get("bucket").text();
        let allowed = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
        if bucket.is_empty() || !bucket.chars().all(allowed) {
            return Err("bucket must be letters, digits, -, . and _".to_string());
        }
        let endpoint = call.config.get("endpoint").text().trim_end_matches('/');
        let (scheme, rest) = endpoint.split_once("://").ok_or("endpoint must be a URL")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if rest.contains("{bucket}") { format!("{}/", path) } else { format!("{}/{}", path, bucket) };
        Ok(Place { scheme: scheme.to_string(), host: host.replace("{bucket}", bucket), path })
    }

    fn request<'a>(&'a self, method: &'a str, query: Vec<(String, String)>, body: &'a str) -> Request<'a> {
        Request { method, host: &self.host, path: &self.path, query, body }
    }
}
