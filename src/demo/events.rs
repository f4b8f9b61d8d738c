//! Some fifty events, each taken as far as its story goes.

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::caller::Caller;
use super::company::{Company, PRODUCTS, id};
use super::payouts;
use crate::clock::SetClock;

/// How far an event is taken, in the order of the procedure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Received,
    Triaging,
    NeedsInformation,
    Rating,
    Remediating,
    Verifying,
    Replying,
    Reviewing,
    Closed,
}

const STAGES: [Until; 9] = [
    Until::Received,
    Until::Triaging,
    Until::NeedsInformation,
    Until::Rating,
    Until::Remediating,
    Until::Verifying,
    Until::Replying,
    Until::Reviewing,
    Until::Closed,
];

/// Titles as reported, with a weakness.
const TITLES: [&str; 12] = [
    "管理界面存在命令注入漏洞",
    "SSRF in the firmware update check",
    "任意文件读取导致配置泄露",
    "Stored XSS in the device name",
    "未授权访问诊断接口",
    "Authentication bypass by a crafted header",
    "固件签名校验可被绕过",
    "Race condition in session renewal",
    "默认口令未强制修改",
    "Path traversal in log download",
    "堆缓冲区溢出可致拒绝服务",
    "Insecure deserialisation in the sync service",
];

/// Factors for RED, ORANGE, YELLOW, BLUE and NONE: importance, reach, opinion, conditions, impact.
const FACTORS: [[&str; 5]; 5] = [
    ["9", "9", "9", "8.5", "9"],
    ["8.5", "8", "8", "8", "8.5"],
    ["7.5", "7", "7", "7", "7.5"],
    ["5", "5", "4", "5", "5.5"],
    ["2", "2", "1", "3", "2"],
];

/// How many verdicts end in an answer only.
const ANSWERS: usize = 9;

/// Verdicts that end in an answer only, with the facts each needs.
fn answers(product: &str) -> [Value; ANSWERS] {
    [
        json!({ "verdict": "NOT_REPRODUCIBLE" }),
        json!({ "verdict": "ALREADY_FIXED", "advisory": "EXN-2026-003", "fixedVersion": "5.1.4", "firstKnownOn": "2026-01-15" }),
        json!({ "verdict": "END_OF_LIFE", "endOfLifeNotice": "EOL-2024-01", "lastSupportedVersion": "3.2", "successor": product }),
        json!({ "verdict": "OTHER_VENDOR", "forwardedTo": "Component vendor 组件厂商" }),
        json!({ "verdict": "OUT_OF_SCOPE" }),
        json!({ "verdict": "NOT_A_VULNERABILITY" }),
        json!({ "verdict": "INSUFFICIENT_INFORMATION" }),
        json!({ "verdict": "DUPLICATE" }),
        json!({ "verdict": "SPAM" }),
    ]
}

/// One event on its way.
struct Story<'a> {
    caller: &'a Caller<'a>,
    id: String,
    report: String,
    version: i64,
}

impl Story<'_> {
    /// Calls an event mutation with the version seen last.
    async fn step(&mut self, subject: &str, mutation: &str, mut input: Value) -> anyhow::Result<()> {
        input["event"] = json!(self.id);
        input["expectedVersion"] = json!(self.version);
        let event = self.caller.change(subject, mutation, input, "event", "version").await?;
        self.version = event["version"].as_i64().context("a version")?;
        Ok(())
    }

    /// Reads the event again.
    async fn look(&mut self, fields: &str) -> anyhow::Result<Value> {
        let document =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ version {fields} }} }} }}");
        let answer = self.caller.ask("leader-1", &document, json!({ "id": self.id })).await?;
        self.version = answer["node"]["version"].as_i64().context("a version")?;
        Ok(answer["node"].clone())
    }
}

/// Receives and handles the demo's events.
pub(super) async fn handle(
    caller: &Caller<'_>,
    company: &Company,
    clock: &SetClock,
    until: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut original = None;
    let mut answered = 0;
    for index in 0..52_usize {
        let received = until - Duration::days(110) + Duration::hours(50 * i64::try_from(index)?);
        clock.set(received);
        let product = &PRODUCTS[index % PRODUCTS.len()];
        let mut story = receive(caller, index, product.name, received).await?;
        let stage = STAGES[index % STAGES.len()];
        clock.advance(Duration::hours(2));
        if is_red(index) {
            // Nobody but a leader names the people of such an event.
            for (subject, function) in
                [("analyst-2", "SECURITY"), ("engineer-1", "R_AND_D"), ("legal-1", "LEGAL")]
            {
                let named = json!({ "subject": subject, "function": function, "group": "WORKING" });
                story.step("leader-1", "addTeamMember", named).await?;
            }
        }
        // In every second round what goes beyond the fix ends in an answer, each time another one.
        let answer = (stage >= Until::Replying && (index / STAGES.len()).is_multiple_of(2)).then(|| {
            answered += 1;
            answers(product.name)[(answered - 1) % ANSWERS].clone()
        });
        match answer {
            Some(verdict) => tell(&mut story, verdict, original.as_deref()).await?,
            None => {
                fix(&mut story, stage, index, product.line, &company.products[product.key], clock).await?
            }
        }
        payouts::pay(caller, clock, index, &story.report).await?;
        story.look("id").await?;
        if stage >= Until::Rating && original.is_none() {
            original = Some(story.id.clone());
        }
        if stage >= Until::Reviewing {
            reply(&mut story, clock).await?;
            story.look("status").await?;
            story.step("analyst-1", "startReview", json!({})).await?;
        }
        if stage == Until::Closed {
            clock.advance(Duration::hours(20));
            let review = json!({
                "rootCause": "Input was trusted 未校验输入", "missedPhase": "CODING",
                "standardChanges": "Review checklist 更新评审清单", "processChanges": "Fuzzing before release 发布前模糊测试",
                "actionItems": [{ "title": "Add a fuzz target 增加模糊测试", "owner": "engineer-1", "dueOn": "2026-12-31" }],
            });
            story.step("analyst-1", "recordReview", review).await?;
        }
    }
    Ok(())
}

async fn receive<'a>(
    caller: &'a Caller<'a>,
    index: usize,
    product: &str,
    received: DateTime<Utc>,
) -> anyhow::Result<Story<'a>> {
    let channels = [
        "cnvd",
        "src",
        "customer-bank",
        "cnnvd",
        "hosted-bounty",
        "internal",
        "nvdb",
        "civil",
        "vendor",
        "press",
        "csirt-eu",
    ];
    let channel = channels[index % channels.len()];
    let title = format!("{product} {}", TITLES[index % TITLES.len()]);
    // The one reporter of the company's own SRC has a token of the demo.
    let reporter = match channel {
        "src" => json!({ "name": "researcher-1", "subject": "reporter-1" }),
        _ => json!({ "name": format!("researcher-{}", index % 7), "staff": channel == "internal" }),
    };
    let input = json!({
        "channel": channel, "number": format!("{}-2026-{:05}", channel.to_uppercase(), 10_000 + index * 37),
        "title": title, "text": format!("{title}\n\n复现步骤见附件。Steps are attached."),
        "reporter": reporter,
        "tlp": if is_red(index) { "RED" } else { "AMBER" },
    });
    let report =
        caller.change("analyst-1", "receiveReport", input, "report", "id event { id version }").await?;
    let version = report["event"]["version"].as_i64().context("a version")?;
    let mut story = Story { caller, id: id(&report["event"]), report: id(&report), version };
    // Some notices name a date, others none.
    if matches!(channel, "cnvd" | "cnnvd" | "nvdb") && index.is_multiple_of(2) {
        let date = (received + Duration::days(14)).date_naive();
        let dated = json!({ "report": story.report, "expectedVersion": story.version, "dueOn": date });
        let event = caller.change("analyst-1", "setNoticeDate", dated, "event", "version").await?;
        story.version = event["version"].as_i64().context("a version")?;
    }
    Ok(story)
}

/// Which events are kept among named people.
fn is_red(index: usize) -> bool {
    index % 13 == 12
}

/// A verdict that only has to be answered.
async fn tell(story: &mut Story<'_>, mut verdict: Value, original: Option<&str>) -> anyhow::Result<()> {
    story.step("analyst-1", "startTriage", json!({})).await?;
    if verdict["verdict"] == "DUPLICATE" {
        verdict["originalEvent"] = json!(original);
    }
    verdict["rationale"] = json!("Looked at it in the lab 实验室验证结论");
    story.step("analyst-1", "giveVerdict", verdict).await
}

/// A vulnerability of ours, taken as far as `stage`.
async fn fix(
    story: &mut Story<'_>,
    stage: Until,
    index: usize,
    line: &str,
    product: &str,
    clock: &SetClock,
) -> anyhow::Result<()> {
    if stage == Until::Received {
        return Ok(());
    }
    story.step("analyst-1", "startTriage", json!({})).await?;
    if stage == Until::Triaging {
        return Ok(());
    }
    if stage == Until::NeedsInformation {
        let question = json!({ "report": story.report, "question": "Which version did you test? 请问测试的是哪个版本？" });
        return story.step("analyst-1", "askReporter", question).await;
    }
    clock.advance(Duration::hours(20));
    let severity = ["CRITICAL", "HIGH", "MEDIUM", "LOW"][index % 4];
    let verdict = if index % 14 == 13 {
        json!({ "verdict": "KNOWN_INTERNALLY", "internalFinding": "PT-2026-17", "firstKnownOn": "2026-02-01",
                "rationale": "Found by our own test 内部测试已发现" })
    } else {
        json!({ "verdict": "CONFIRMED", "severity": severity,
                "rationale": "Reproduced 已复现" })
    };
    story.step("analyst-1", "giveVerdict", verdict).await?;
    let affected =
        json!({ "event": story.id, "product": product, "state": "AFFECTED", "affectedVersions": "< 5.2" });
    story.caller.change("analyst-1", "setAffectedProduct", affected, "event", "id").await?;
    story.look("id").await?;
    if stage == Until::Rating {
        return Ok(());
    }
    let [importance, reach, opinion, conditions, impact] = FACTORS[(index / 2) % FACTORS.len()];
    let score = json!({
        "factors": {
            "productImportance": importance, "productReach": reach, "publicOpinion": opinion,
            "exploitConditions": conditions, "actualImpact": impact,
        },
        "evidence": {
            "productImportance": "Product register 产品台账", "productReach": "Sales figures 销售数据",
            "publicOpinion": "Press review 舆情监测", "exploitConditions": "Reachable from the network 网络可达",
            "actualImpact": "Shown in the lab 实验室已验证",
        },
    });
    story.step("analyst-1", "scoreEvent", score).await?;
    let work =
        json!({ "function": "R_AND_D", "subject": "engineer-1", "line": line, "note": "Please fix 请修复" });
    story.step("analyst-1", "assign", work).await?;
    story.step("analyst-1", "startRemediation", json!({})).await?;
    if stage == Until::Remediating {
        return Ok(());
    }
    clock.advance(Duration::hours(30));
    let remediation = story.look("remediations { id version }").await?["remediations"][0].clone();
    let submit = json!({
        "remediation": remediation["id"], "expectedVersion": remediation["version"],
        "fixPlan": "Validate and encode 校验并编码", "patch": format!("change-{index}"),
    });
    let caller = story.caller;
    let remediation = caller.change("engineer-1", "submitFix", submit, "remediation", "id version").await?;
    if stage == Until::Verifying {
        return Ok(());
    }
    let verify = json!({
        "remediation": remediation["id"], "expectedVersion": remediation["version"],
        "fullyFixed": true, "fullyFixedEvidence": "The proof of concept fails 验证脚本失效",
        "bypassable": false, "bypassEvidence": "Variants tried 已尝试变形",
        "newProblem": false, "newProblemEvidence": "Regression run 回归通过",
    });
    let remediation = caller.change("analyst-2", "verifyFix", verify, "remediation", "id version").await?;
    let release = json!({
        "remediation": remediation["id"], "expectedVersion": remediation["version"],
        "releaseVersions": "5.2.0", "advisory": format!("EXN-2026-{index:03}"), "availableAt": crate::clock::Clock::now(clock),
    });
    caller.change("engineer-1", "recordRelease", release, "remediation", "id").await?;
    Ok(())
}

/// Answers every open obligation: the verdicts first, since they acknowledge too.
async fn reply(story: &mut Story<'_>, clock: &SetClock) -> anyhow::Result<()> {
    decide_abroad(story).await?;
    loop {
        let event = story.look("obligations { id state kind channel { id } }").await?;
        let rows = event["obligations"].as_array().into_iter().flatten();
        let open: Vec<&Value> = rows.filter(|row| row["state"] == "OPEN").collect();
        let verdict = open.iter().find(|row| row["kind"] == "VERDICT");
        let Some(first) = verdict.or(open.first()) else { return Ok(()) };
        let same =
            |row: &&&Value| row["kind"] == first["kind"] && row["channel"]["id"] == first["channel"]["id"];
        let together: Vec<Value> = open.iter().filter(same).map(|row| row["id"].clone()).collect();
        send(story, clock, &together, &first["kind"]).await?;
    }
}

/// Lets the leading group decide whether undisclosed content goes abroad, where something is owed there.
async fn decide_abroad(story: &mut Story<'_>) -> anyhow::Result<()> {
    let event = story
        .look("obligations { state channel { abroad } } decisions { id version kind decidedAt }")
        .await?;
    let mut owed = event["obligations"].as_array().into_iter().flatten();
    if !owed.any(|row| row["state"] == "OPEN" && row["channel"]["abroad"] == true) {
        return Ok(());
    }
    let caller = story.caller;
    let mut asked = event["decisions"].as_array().into_iter().flatten();
    let asked = asked.find(|row| row["kind"] == "REPORT_ABROAD" && row["decidedAt"].is_null()).cloned();
    let asked = match asked {
        Some(asked) => asked,
        None => {
            let ask = json!({ "event": story.id, "kind": "REPORT_ABROAD", "question": "May we answer abroad? 可否向境外回复？" });
            caller.change("analyst-1", "askDecision", ask, "decision", "id version").await?
        }
    };
    let record = json!({
        "decision": asked["id"], "expectedVersion": asked["version"], "granted": true,
        "extent": "ALLOW", "outcome": "It may go abroad 允许向境外提供",
    });
    caller.change("leader-1", "recordDecision", record, "decision", "id").await?;
    Ok(())
}

/// What the forms of databases and regulators ask for beyond what the event holds.
const FACTS: [(&str, &str); 20] = [
    ("company", "Example Networks 示例网络"),
    ("contact", "psirt@example.com"),
    ("report_number", "by e-mail 邮件通知"),
    ("title", "Input is not validated 输入未校验"),
    ("description", "Input is used before it is validated 输入未经校验即被使用"),
    ("product_names", "Core Router"),
    ("product_categories", "product 网络产品"),
    ("affected_versions", "5.1"),
    ("member_states", "DE, FR"),
    ("severity", "high 高危"),
    ("reproduced", "yes 是"),
    ("explanation", "We reproduced it in our laboratory 已在实验室复现"),
    ("technical_characteristics", "Missing validation of input 缺少输入校验"),
    ("degree_of_harm", "Takes control of the device 可控制设备"),
    ("scope_of_impact", "Installations that are reachable 可达的部署"),
    ("vulnerability_nature", "Missing validation of input 缺少输入校验"),
    ("exploit_nature", "Over the network 通过网络"),
    ("impact", "Takes control of the device 可控制设备"),
    ("measures_taken", "An update is distributed 已发布更新"),
    ("user_measures", "Install the update 安装更新"),
];

/// Drafts, approves where that is asked for, and sends a reply.
async fn send(story: &mut Story<'_>, clock: &SetClock, owed: &[Value], kind: &Value) -> anyhow::Result<()> {
    let caller = story.caller;
    let draft = json!({
        "event": story.id, "expectedVersion": story.version, "obligations": owed, "kind": kind,
        "subject": "About your report 关于贵方报告", "body": "We looked at it and handled it. 我们已完成研判与处置。",
        "facts": FACTS.map(|(name, value)| json!({ "name": name, "value": value })),
    });
    let mut reply =
        caller.change("analyst-1", "draftReply", draft, "reply", "id version needsApproval").await?;
    if reply["needsApproval"] == true {
        let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "legal-1" });
        reply = caller.change("analyst-1", "requestReplyReview", ask, "reply", "id version").await?;
        clock.advance(Duration::hours(3));
        let approve = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED", "note": "Fine 同意" });
        reply = caller.change("legal-1", "reviewReply", approve, "reply", "id version").await?;
    }
    clock.advance(Duration::hours(1));
    let sent = json!({
        "reply": reply["id"], "expectedVersion": reply["version"], "via": "BY_HAND",
        "receiptNumber": "R-2026-001", "proof": "screenshot in the archive 截图已归档",
    });
    caller.change("analyst-1", "recordReplySent", sent, "reply", "id").await?;
    Ok(())
}
