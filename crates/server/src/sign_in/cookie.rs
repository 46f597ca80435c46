//! The session cookie of the portal, and why another site cannot use it.
//!
//! A browser sends the cookie by itself, also when another site makes it send the request. So a request that changes something
//! is believed only if the browser says that it comes from a page of this server. Requests with an `Authorization`
//! header need no such proof: no other site can make a browser send one.

use axum::http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use jiff::SignedDuration;
use twinkey_api::{TokenKind, token::Secret};

use crate::{app::App, error::ApiError};

/// The name of the session's cookie.
const NAME: &str = "twinkey-session";

/// The session of a browser, from its cookie. Refuses what another site may have caused.
pub fn session(parts: &Parts, app: &App) -> Result<Option<Secret>, ApiError> {
    let texts = values(&parts.headers, &full_name(&app.public_url, NAME));
    let mut secrets = texts.into_iter().filter_map(|text| Secret::parse(text).ok());
    let Some(secret) = secrets.find(|secret| secret.kind() == TokenKind::Session) else { return Ok(None) };
    let harmless = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if harmless || is_own_site(&parts.headers, &app.public_url) { Ok(Some(secret)) } else { Err(ApiError::CrossSite) }
}

/// The `Set-Cookie` header that begins a session.
pub fn begin(public_url: &str, secret: &Secret, lasts: SignedDuration) -> HeaderValue {
    set(public_url, NAME, secret.expose(), lasts.as_secs())
}

/// The `Set-Cookie` header that ends it.
pub fn end(public_url: &str) -> HeaderValue {
    set(public_url, NAME, "", 0)
}

/// A `Set-Cookie` header that no script in the browser can read.
pub fn set(public_url: &str, name: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if is_https(public_url) { "; Secure" } else { "" };
    let text =
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", full_name(public_url, name));
    let mut header = HeaderValue::from_str(&text).expect("letters, digits and punctuation");
    header.set_sensitive(true);
    header
}

/// With the prefix `__Host-` a browser takes the cookie only from this very host, and only encrypted.
pub fn full_name(public_url: &str, name: &str) -> String {
    format!("{}{name}", if is_https(public_url) { "__Host-" } else { "" })
}

fn is_https(public_url: &str) -> bool {
    public_url.starts_with("https://")
}

/// What a request's cookies of this name hold; a browser may send several.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
}

/// `Sec-Fetch-Site` is set by the browser and cannot be set by a page; browsers from before 2023 send only `Origin`.
fn is_own_site(headers: &HeaderMap, public_url: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
    let own = public_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin == own || host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, of)| of == host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(lines: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header"));
        }
        is_own_site(&headers, "https://twinkey.example.org/sub")
    }

    #[test]
    fn only_pages_of_this_server_may_change_something() {
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "https://twinkey.example.org")]));
        assert!(own(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        for lines in [
            &[][..],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://twinkey.example.org")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null")],
            &[("origin", "https://evil.example.org"), ("host", "twinkey.example.org")],
            &[("origin", "https://twinkey.example.org.evil.example")],
            &[("referer", "https://twinkey.example.org/")],
        ] {
            assert!(!own(lines), "{lines:?}");
        }
    }
}
