//! What a person does in n8n's own pages, by the calls that these pages make.

use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::client;

/// n8n as its owner sees it.
pub(crate) struct Pages {
    client: reqwest::Client,
    url: String,
    cookie: String,
}

impl Pages {
    /// Opens an n8n that nobody has opened before: it asks for a name and a password first.
    pub(crate) async fn open(url: String) -> Self {
        let client = client();
        let owner = json!({
            "email": "camille@exemple.fr", "firstName": "Camille", "lastName": "Rousseau", "password": "Coccinelle-2026",
        });
        let answer = client.post(format!("{url}/rest/owner/setup")).json(&owner).send().await.unwrap();
        let cookies = answer.headers().get_all(SET_COOKIE).into_iter().filter_map(|cookie| cookie.to_str().ok());
        let cookie =
            cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("n8n-auth="));
        let cookie = cookie.map(str::to_owned);
        let status = answer.status();
        let Some(cookie) = cookie else { panic!("{status}: {}", answer.text().await.unwrap()) };
        Self { client, url, cookie }
    }

    /// **Import from File**, and **Save**; the id that the workflow is given.
    pub(crate) async fn import(&self, workflow: &Value) -> String {
        let saved = self.call("POST", "workflows", &content(workflow)).await;
        saved["id"].as_str().unwrap().to_owned()
    }

    /// **Create credential**; how nodes name it.
    pub(crate) async fn make_credential(&self, name: &str, kind: &str, data: Value) -> Value {
        let made = self.call("POST", "credentials", &json!({"name": name, "type": kind, "data": data})).await;
        json!({"id": made["id"], "name": made["name"]})
    }

    /// **Save** after a change, and **Publish**.
    pub(crate) async fn publish(&self, id: &str, workflow: &Value) {
        let saved = self.call("PATCH", &format!("workflows/{id}"), &content(workflow)).await;
        let version = json!({"versionId": saved["versionId"]});
        let published = self.call("POST", &format!("workflows/{id}/activate"), &version).await;
        assert_eq!(published["active"], true, "{published}");
    }

    /// **Unpublish**.
    pub(crate) async fn unpublish(&self, id: &str) {
        self.call("POST", &format!("workflows/{id}/deactivate"), &json!({})).await;
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/rest/{path}", self.url);
        let request = self.client.request(method.parse().unwrap(), url).header(COOKIE, &self.cookie);
        let answer = request.json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }
}

/// What is taken of a file: its own id belongs to imports by the command line.
fn content(workflow: &Value) -> Value {
    json!({
        "name": workflow["name"], "nodes": workflow["nodes"], "connections": workflow["connections"],
        "settings": workflow["settings"], "pinData": workflow["pinData"],
    })
}
