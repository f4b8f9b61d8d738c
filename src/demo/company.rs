//! The company: its products, channels, customers and who is on duty.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::caller::Caller;

/// A fictional product.
pub(super) struct DemoProduct {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) line: &'static str,
    importance: &'static str,
    reach: &'static str,
}

const fn product(
    key: &'static str,
    name: &'static str,
    line: &'static str,
    importance: &'static str,
    reach: &'static str,
) -> DemoProduct {
    DemoProduct { key, name, line, importance, reach }
}

/// What the company makes and runs.
pub(super) const PRODUCTS: [DemoProduct; 6] = [
    product("edge-gateway", "Edge Gateway 边缘网关", "gateway", "9.0", "9.0"),
    product("core-router", "Core Router 核心路由器", "router", "9.5", "7.0"),
    product("home-camera", "Home Camera 家用摄像机", "camera", "6.0", "8.5"),
    product("plant-controller", "Plant Controller 工业控制器", "controller", "8.5", "5.0"),
    product("fleet-cloud", "Fleet Cloud 车队云服务", "cloud", "8.0", "6.5"),
    product("legacy-portal", "Legacy Portal 旧版门户", "portal", "2.0", "1.5"),
];

/// Channels by key: kind, name, jurisdiction, reply required, zone, language.
const CHANNELS: [(&str, &str, &str, &str, bool, &str, &str); 9] = [
    ("cnvd", "NATIONAL_DATABASE", "CNVD 国家信息安全漏洞共享平台", "CN", true, "Asia/Shanghai", "zh-CN"),
    ("cnnvd", "NATIONAL_DATABASE", "CNNVD 国家信息安全漏洞库", "CN", true, "Asia/Shanghai", "zh-CN"),
    ("src", "SRC_PLATFORM", "Own SRC 自建安全应急响应中心", "CN", true, "Asia/Shanghai", "zh-CN"),
    ("hosted-bounty", "SRC_PLATFORM", "Hosted bounty 托管众测平台", "US", true, "UTC", "en"),
    ("customer-bank", "CUSTOMER", "A bank 某银行客户", "CN", true, "Asia/Shanghai", "zh-CN"),
    ("civil", "CIVIL_PLATFORM", "Civil platform 民间漏洞平台", "CN", false, "Asia/Shanghai", "zh-CN"),
    ("vendor", "VENDOR", "Component vendor 组件厂商", "US", true, "UTC", "en"),
    ("press", "MEDIA", "Press 媒体", "CN", false, "Asia/Shanghai", "zh-CN"),
    ("internal", "INTERNAL", "Own staff 内部员工", "CN", false, "Asia/Shanghai", "zh-CN"),
];

/// Those of the channels that are there from the first start which report here too.
const ALSO_REPORT: [&str; 2] = ["nvdb", "csirt-eu"];

/// Ids by key.
pub(super) struct Company {
    pub(super) products: HashMap<&'static str, String>,
}

/// Sets the company up.
pub(super) async fn found(caller: &Caller<'_>) -> anyhow::Result<Company> {
    for (key, kind, name, jurisdiction, reply_required, time_zone, language) in CHANNELS {
        let input = json!({
            "key": key, "kind": kind, "name": name, "jurisdiction": jurisdiction,
            "abroad": jurisdiction != "CN", "replyRequired": reply_required, "timeZone": time_zone,
            "language": language, "contacts": [],
        });
        caller.change("admin-1", "createChannel", input, "channel", "id").await?;
    }
    let channels = caller.ask("admin-1", "{ channels { nodes { id key version } } }", Value::Null).await?;
    for channel in channels["channels"]["nodes"].as_array().into_iter().flatten() {
        if ALSO_REPORT.iter().any(|key| channel["key"] == *key) {
            let input =
                json!({ "channel": channel["id"], "expectedVersion": channel["version"], "active": true });
            caller.change("admin-1", "updateChannel", input, "channel", "id").await?;
        }
    }
    let mut products = HashMap::new();
    for product in &PRODUCTS {
        let retired = product.key == "legacy-portal";
        let input = json!({
            "key": product.key, "name": product.name, "line": product.line,
            "ownerTeam": format!("{}-team", product.line), "providerEntity": "Example Networks 示例网络",
            "kind": if product.key == "fleet-cloud" { "OWN_SERVICE" } else { "PRODUCT" },
            "importance": product.importance, "reach": product.reach,
            "customerCoverage": "Domestic and abroad 国内外客户",
            "assetTier": if retired { "EDGE" } else { "CORE" },
            "lifecycle": if retired { "END_OF_LIFE" } else { "SUPPORTED" },
            "endOfLifeNotice": retired.then_some("EOL-2024-01"),
            "lastSupportedVersion": retired.then_some("3.2"),
            "rmsvLibrary": if product.key == "plant-controller" { "INDUSTRIAL_CONTROL" } else { "GENERAL" },
            "craInScope": product.key == "home-camera",
            "criticalInfrastructure": product.key == "core-router",
        });
        let made = caller.change("admin-1", "createProduct", input, "product", "id").await?;
        products.insert(product.key, id(&made));
    }
    let input = json!({ "key": "bank-1", "name": "A bank 某银行", "abroad": false, "accountManager": "account-manager-1" });
    let customer = caller.change("admin-1", "createCustomer", input, "customer", "id").await?;
    let input = json!({ "customer": id(&customer), "product": products["edge-gateway"] });
    caller.change("admin-1", "linkCustomer", input, "customer", "id").await?;
    let duties = [
        ("SECURITY", "analyst-1", "analyst-2"),
        ("R_AND_D", "engineer-1", "engineer-2"),
        ("TECHNICAL_SERVICE", "support-1", "support-2"),
        ("ACCOUNT_MANAGEMENT", "account-manager-1", "account-manager-2"),
        ("LEGAL", "legal-1", "legal-2"),
        ("PUBLIC_RELATIONS", "public-relations-1", "public-relations-2"),
        ("LEADING_GROUP", "leader-1", "leader-2"),
    ];
    for (function, subject, deputy) in duties {
        let input = json!({
            "function": function, "subject": subject, "deputy": deputy,
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z",
        });
        caller.change("admin-1", "addDuty", input, "duty", "id").await?;
    }
    Ok(Company { products })
}

/// The id in an answer.
pub(super) fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_default().to_owned()
}

/// Key of the customer that is made last: a database without it holds the demo in part.
pub(super) const LAST_CUSTOMER: &str = "hospital-1";

/// Makes what is made last.
pub(super) async fn close(caller: &Caller<'_>) -> anyhow::Result<()> {
    let input = json!({ "key": LAST_CUSTOMER, "name": "A hospital 某医院", "abroad": false, "accountManager": "account-manager-1" });
    caller.change("admin-1", "createCustomer", input, "customer", "id").await?;
    Ok(())
}
