//! The parameters of a GraphQL request, from a JSON body or a query string.

use std::collections::HashMap;

use async_graphql::{Request, Value, Variables, parser::types::ExecutableDocument};
use serde::{Deserialize, de::DeserializeOwned};

use super::error::HttpError;

/// Parameters whose types are right. What else a client sends beside them is ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    /// The document; none where it is named by its digest.
    #[serde(default)]
    pub(super) query: Option<String>,
    /// The digest of a document that is not sent.
    #[serde(default)]
    pub(super) document_id: Option<String>,
    #[serde(default)]
    pub(super) operation_name: Option<String>,
    /// `null` means none.
    #[serde(default)]
    pub(super) variables: Variables,
    #[serde(default)]
    pub(super) extensions: Option<HashMap<String, Value>>,
}

impl Parameters {
    /// From a POST body.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, HttpError> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => {}
            // An array would also be read as the fields in their order.
            Some(b'[') => return Err(HttpError::bad_request("Batches are not supported: send one request.")),
            _ => return Err(HttpError::bad_request("The body must be a JSON object with the key `query`.")),
        }
        serde_json::from_slice(body).map_err(|error| {
            // The library's own message can quote what was sent.
            HttpError::bad_request(format!(
                "The body is not a GraphQL request (line {}, column {}): `query` must be a string, \
                 `operationName` a string or null, `variables` and `extensions` objects or null.",
                error.line(),
                error.column()
            ))
        })
    }

    /// From the query string of a GET.
    pub(super) fn from_query_string(query_string: &str) -> Result<Self, HttpError> {
        let mut found: HashMap<&str, String> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            let Some(name) = ["query", "documentId", "operationName", "variables", "extensions"]
                .into_iter()
                .find(|n| *n == name)
            else {
                continue;
            };
            if found.insert(name, value.into_owned()).is_some() {
                return Err(HttpError::bad_request(format!("The parameter `{name}` is given twice.")));
            }
        }
        Ok(Self {
            query: found.remove("query"),
            document_id: found.remove("documentId"),
            operation_name: found.remove("operationName").filter(|name| !name.is_empty()),
            variables: json_parameter(&found, "variables")?.unwrap_or_default(),
            extensions: json_parameter(&found, "extensions")?,
        })
    }

    /// The engine's request to run `document`.
    pub(super) fn into_request(self, document: ExecutableDocument) -> Request {
        // The engine reads the text only where there is no document.
        let mut request = Request::new(String::new()).variables(self.variables);
        request.set_parsed_query(document);
        request.operation_name = self.operation_name;
        request.extensions.extend(self.extensions.unwrap_or_default());
        request
    }
}

fn json_parameter<T: DeserializeOwned>(
    found: &HashMap<&str, String>,
    name: &str,
) -> Result<Option<T>, HttpError> {
    match found.get(name).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(text) => serde_json::from_str(text).map_err(|_| {
            HttpError::bad_request(format!("The parameter `{name}` must be a JSON object or null."))
        }),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn a_query_string_is_decoded() {
        let text = "query=%7B%20a%20%7D&variables=%7B%22n%22%3A1%7D&operationName=&other=1&extensions=null";
        let parameters = Parameters::from_query_string(text).unwrap();
        assert_eq!((parameters.query.as_deref(), parameters.operation_name), (Some("{ a }"), None));
        assert_eq!(parameters.variables.into_value(), value!({"n": 1}));
    }

    #[test]
    fn wrong_query_strings_are_refused() {
        for text in
            ["query=a&query=b", "query=a&variables=[1]", "query=a&extensions=1", "query=a&variables={"]
        {
            assert!(Parameters::from_query_string(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wrong_bodies_are_refused() {
        for body in [
            "",
            "null",
            "[]",
            r#" [{"query": "{ a }"}]"#,
            r#"["{ a }"]"#,
            r#"{"query": 1}"#,
            r#"{"query": "a", "query": "b"}"#,
            r#"{"query": "a", "variables": []}"#,
            r#"{"query": "a", "operationName": {}}"#,
            r#"{"query": "a", "extensions": "b"}"#,
            "{\"query\": \"\u{0}\"",
        ] {
            assert!(Parameters::from_json(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Parameters::from_json(b"{\"query\": \"\xff\"}").is_err());
        let nested = format!(r#"{{"query": "a", "variables": {{"v": {}"#, "[".repeat(100_000));
        assert!(Parameters::from_json(nested.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_parameters_never_panic(text in crate::testing::jumble("query¦variables¦operationName¦extensions¦=¦&¦+¦%¦%7B¦%ff¦{¦}¦\"¦:¦[¦]¦,¦null¦1e999")) {
            let _ = Parameters::from_query_string(&text);
            let _ = Parameters::from_json(text.as_bytes());
        }
    }
}
