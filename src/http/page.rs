//! The query page: GraphiQL with a token field, built from `web/` and carried in the binary.
//!
//! `GET /` answers the page, `GET /page/...` what it loads. Neither needs a token: the page holds no data and
//! asks nothing before a token is entered, which it then keeps in its memory only.

use axum::{
    Router,
    extract::Path,
    http::{
        HeaderName, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The page talks to its own origin only and runs no script but the files built with it.
///
/// `style-src` allows inline styles because Monaco, the editor in GraphiQL, places its lines by style
/// attributes and writes its colours into style elements; without it the editor stays blank. Workers take
/// their policy from their own script's answer, so every file carries this header, not the page alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     connect-src 'self'; font-src 'self'; img-src 'self' data:; worker-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = "index.html";
/// Files under this folder carry a hash of their content in their name.
const HASHED: &str = "assets/";

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Files;

/// The routes of the page: `/` and `/page/{path}`. They read no request but its path.
pub fn routes() -> Router {
    Router::new().route("/", get(index)).route("/page/{*path}", get(asset))
}

async fn index() -> Response {
    answer(Files::get(INDEX), "no-store")
}

async fn asset(Path(path): Path<String>) -> Response {
    // The page has one address.
    let file = if path == INDEX { None } else { Files::get(&path) };
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer(file, caching)
}

fn answer(file: Option<EmbeddedFile>, caching: &'static str) -> Response {
    let Some(file) = file else { return StatusCode::NOT_FOUND.into_response() };
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, &content_type(file.metadata.mimetype())),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, file.data).into_response()
}

/// The media type, with the encoding that every text of the build is in.
fn content_type(media_type: &str) -> String {
    if media_type.starts_with("text/") {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    use super::*;

    async fn request(method: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        routes().oneshot(request).await.unwrap()
    }

    async fn get(path: &str) -> Response {
        request("GET", path).await
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers()[name].to_str().unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn assert_protected(response: &Response) {
        let policy = header(response, CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        for part in ["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.split("; ").any(|directive| directive == part), "{part} is not in {policy}");
        }
        assert_eq!(header(response, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(response, REFERRER_POLICY), "no-referrer");
    }

    #[tokio::test]
    async fn page_is_protected_and_not_stored() {
        let response = get("/").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_protected(&response);
        assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
        assert!(text(response).await.contains("<title>vulndesk</title>"));
    }

    #[tokio::test]
    async fn page_loads_only_files_that_are_there() {
        let page = text(get("/").await).await;
        let addresses: Vec<_> = page
            .split(['"', '\''])
            .filter(|part| part.starts_with('/') || part.contains("://"))
            .filter(|part| !part.contains('>'))
            .collect();
        assert_eq!(addresses.len(), 2, "one script and one style sheet: {addresses:?}");
        for address in addresses {
            assert_eq!(get(address).await.status(), StatusCode::OK, "{address}");
        }
    }

    #[tokio::test]
    async fn files_carry_their_media_type_and_stay_cached() {
        let media_types = [
            ("js", "text/javascript; charset=utf-8"),
            ("css", "text/css; charset=utf-8"),
            ("ttf", "font/ttf"),
        ];
        let mut seen = 0;
        for path in Files::iter().filter(|path| path.starts_with(HASHED)) {
            let (_, extension) = path.rsplit_once('.').unwrap();
            let (_, media_type) = media_types.iter().find(|(known, _)| *known == extension).unwrap();
            let response = get(&format!("/page/{path}")).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_protected(&response);
            assert_eq!(header(&response, CONTENT_TYPE), *media_type);
            assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=31536000, immutable");
            seen += 1;
        }
        assert!(seen > 5, "{seen} files");
    }

    #[tokio::test]
    async fn licences_are_served_and_checked_again() {
        let response = get("/page/LICENSES.txt").await;
        assert_eq!(header(&response, CONTENT_TYPE), "text/plain; charset=utf-8");
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        let licences = text(response).await;
        for package in ["graphiql 5.", "graphql 16.", "monaco-editor 0.52.2", "react 19."] {
            assert!(licences.contains(package), "{package} has no licence");
        }
    }

    #[tokio::test]
    async fn anything_else_is_not_found() {
        for path in [
            "/page/",
            "/page/index.html",
            "/page/assets/absent.js",
            "/page/assets",
            "/page/../Cargo.toml",
            "/page/%2e%2e/%2e%2e/Cargo.toml",
            "/page//etc/hosts",
            "/index.html",
        ] {
            assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(request("POST", "/").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    /// A CDN named in a script would be asked on a machine that reaches it, and break the page on others.
    #[test]
    fn no_script_names_a_cdn() {
        for path in Files::iter().filter(|path| path.ends_with(".js")) {
            let script = String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap();
            for cdn in ["esm.sh", "unpkg.com", "cdn.jsdelivr.net", "cdnjs.cloudflare.com"] {
                assert!(!script.contains(cdn), "{path} names {cdn}");
            }
        }
    }
}
