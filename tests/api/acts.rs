//! What is done to an event by those who see it, each act on its own: tried in whatever state the event is.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::duplicates::duplicate_of;
use crate::files::{self, upload};
use crate::story::{Story, confirmed, facts, scored};

macro_rules! acts {
    ($($act:ident),+ $(,)?) => {
        /// One thing done to an event. In this order they are the way of one through the procedure, with something aside at each
        /// step of it, so that each can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Act { $($act,)+ }

        impl Act {
            pub(crate) const ALL: &[Self] = &[$(Self::$act,)+];
        }
    };
}

acts!(
    Comment,
    Triage,
    Question,
    Resume,
    Upload,
    Confirm,
    Propose,
    Approve,
    Account,
    Affect,
    Score,
    Assign,
    Remediate,
    Ticket,
    Submit,
    Fact,
    Verify,
    Release,
    Appeal,
    SeveralPlatforms,
    Answer,
    Message,
    ReleaseFile,
    Draft,
    Waive,
    Review,
    Return,
    Ask,
    Decide,
    Related,
    Describe,
    Embargo,
    Assess,
    FollowUp,
    NoticeDate,
    Again,
    Join,
    Indicator,
    Customer,
    Colleague,
    Link,
    Rename,
    Split,
    Repeat,
    Erase,
);

/// Acts that leave the event's status, and what its reporter and its platform see of it, as they are.
pub(crate) const INSIDE: [Act; 12] = [
    Act::Comment,
    Act::Describe,
    Act::Embargo,
    Act::Fact,
    Act::Assess,
    Act::Ask,
    Act::Decide,
    Act::Draft,
    Act::Upload,
    Act::Indicator,
    Act::Colleague,
    Act::Customer,
];

/// Acts that change what is known of a reporter, which few read.
pub(crate) const OF_REPORTERS: [Act; 3] = [Act::Rename, Act::Erase, Act::Account];

/// Acts by which those who pay come to see something of the event.
pub(crate) const MONEY: [Act; 5] =
    [Act::Propose, Act::Approve, Act::Account, Act::Appeal, Act::SeveralPlatforms];

/// What acts need besides the event.
pub(crate) struct Means<'a> {
    /// A product that is affected, and its line.
    pub(crate) product: (&'a str, &'a str),
    pub(crate) customer: &'a str,
    pub(crate) tracker: &'a str,
    /// The subject of who reported it.
    pub(crate) reporter: &'a str,
    /// Another event that the same people see.
    pub(crate) other: Option<&'a Story<'a>>,
    /// What makes texts and numbers differ.
    pub(crate) turn: usize,
}

fn is_done(answer: &Value) -> bool {
    answer["userErrors"] == json!([])
}

/// Drafts, has legal-9 approve and records as sent what answers the first verdict that is owed; none when it may not leave.
async fn answer(story: &Story<'_>) -> Option<()> {
    let app = story.app;
    let (analyst, legal) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Legal, "legal-9"));
    let rows = story.look("version obligations { id state kind }").await;
    let owed = rows["obligations"].as_array()?.iter();
    let owed =
        owed.filter(|row| row["state"] == "OPEN" && row["kind"] == "VERDICT").map(|row| &row["id"]).next()?;
    let step = async |token: &str, mutation: &str, input: Value| {
        let answer = app.call(token, mutation, input, "id version needsApproval").await;
        is_done(&answer).then(|| answer["reply"].clone())
    };
    let draft = json!({
        "event": story.event, "expectedVersion": rows["version"], "kind": "VERDICT", "obligations": [owed],
        "subject": "Our verdict", "body": "drafted", "facts": facts(),
    });
    let mut reply = step(&analyst, "draftReply", draft).await?;
    let next = |reply: &Value, mut input: Value| {
        input["reply"] = reply["id"].clone();
        input["expectedVersion"] = reply["version"].clone();
        input
    };
    if reply["needsApproval"] == true {
        reply = step(&analyst, "requestReplyReview", next(&reply, json!({ "reviewer": "legal-9" }))).await?;
        reply = step(&legal, "reviewReply", next(&reply, json!({ "outcome": "APPROVED" }))).await?;
    }
    let by_hand = json!({ "via": "BY_HAND", "receiptNumber": "R-1", "proof": "a screenshot" });
    step(&analyst, "recordReplySent", next(&reply, by_hand)).await.map(drop)
}

/// Does one act as analyst-1 and their colleagues, all of whose names end in 9; answers whether the event's state allowed it.
pub(crate) async fn act(story: &Story<'_>, act: Act, means: &Means<'_>) -> bool {
    let app = story.app;
    let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-9"));
    let (leader, own) = (app.token(Role::Leader, "leader-1"), app.token(Role::Reporter, means.reporter));
    let engineer = app.mint(&[Role::Engineer], "engineer-9", &["core-router", "edge-gateway"], None);
    let (event, report, turn) = (&story.event, &story.report, means.turn);
    let attempt = async |mutation: &str, input: Value| is_done(&story.attempt(&one, mutation, input).await);
    let call = async |token: &str, mutation: &str, input: Value| {
        is_done(&app.call(token, mutation, input, "id").await)
    };
    let payout =
        async || app.node(&one, report, "Report", "payouts { id version }").await["payouts"][0].clone();
    let reporter =
        async || app.node(&one, report, "Report", "reporter { id version }").await["reporter"].clone();
    match act {
        Act::Triage => attempt("startTriage", json!({})).await,
        Act::Question => {
            attempt("askReporter", json!({ "report": report, "question": "Which version?" })).await
        }
        Act::Resume => attempt("resumeTriage", json!({})).await,
        Act::Confirm => attempt("giveVerdict", confirmed()).await,
        Act::Return => {
            let again = json!({ "reason": "looked at again" });
            attempt("returnToTriage", again.clone()).await || attempt("reopenEvent", again).await
        }
        Act::Repeat => match means.other {
            Some(other) => attempt("giveVerdict", duplicate_of(other)).await,
            None => false,
        },
        Act::Affect => is_done(&story.try_product(means.product.0, "AFFECTED").await),
        Act::Score => attempt("scoreEvent", scored(["8.5", "9.0", "9.5"][turn % 3])).await,
        Act::Assign => {
            let work = json!({ "function": "R_AND_D", "subject": "engineer-9", "line": means.product.1 });
            attempt("assign", work).await
        }
        Act::Remediate => attempt("startRemediation", json!({})).await,
        Act::Submit => is_done(&story.submit(&engineer).await),
        Act::Verify => is_done(&story.verify(&two).await),
        Act::Release => {
            let fix = story.fix().await;
            let release = json!({
                "remediation": fix["id"], "expectedVersion": fix["version"], "releaseVersions": "5.2",
                "advisory": "EXN-1", "availableAt": app.now(),
            });
            call(&engineer, "recordRelease", release).await
        }
        Act::Answer => answer(story).await.is_some(),
        Act::Waive => {
            story.waive_notices().await;
            true
        }
        Act::Review => {
            let review = json!({
                "rootCause": "Lengths were trusted", "missedPhase": "CODING", "standardChanges": "A check",
                "processChanges": "Fuzzing",
                "actionItems": [{ "title": "Fuzz it", "owner": "engineer-9", "dueOn": "2026-12-31" }],
            });
            attempt("startReview", json!({})).await && attempt("recordReview", review).await
        }
        Act::Comment => {
            call(&one, "comment", json!({ "event": event, "body": format!("whisper {turn}") })).await
        }
        Act::Describe => {
            let words = json!({ "title": format!("秘密漏洞 {turn}"), "description": "hidden gateway parser", "steps": "Send it" });
            attempt("describeEvent", words).await
        }
        Act::Embargo => {
            attempt("setEmbargo", json!({ "until": "2026-05-01T00:00:00Z", "reason": "coordinated" })).await
        }
        Act::Fact => {
            let kind = ["EXPLOIT_PUBLIC", "EXPLOITED_IN_THE_WILD"][turn % 2];
            let fact = json!({ "kind": kind, "learnedAt": app.now(), "source": format!("press {turn}") });
            attempt("recordWorldFact", fact).await
        }
        Act::Assess => {
            let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
            attempt("assessSeverity", json!({ "source": "OURS", "vector": vector, "cwe": ["CWE-787"] })).await
        }
        Act::Ask => {
            let ask = json!({ "event": event, "kind": "DISCLOSE", "question": format!("When, {turn}?"), "options": ["now", "later"] });
            call(&one, "askDecision", ask).await
        }
        Act::Decide => {
            let asked = story.look("decisions { id version decidedAt }").await;
            let mut asked = asked["decisions"].as_array().into_iter().flatten();
            let Some(asked) = asked.find(|row| row["decidedAt"].is_null()) else { return false };
            let decide = json!({
                "decision": asked["id"], "expectedVersion": asked["version"], "granted": true, "outcome": "later",
            });
            call(&leader, "recordDecision", decide).await
        }
        Act::Draft => {
            let rows = story.look("version reports { channel { id } }").await;
            let kept = app.node(&one, report, "Report", "attachments { nodes { id } }").await;
            let kept: Vec<_> =
                kept["attachments"]["nodes"].as_array().into_iter().flatten().take(1).collect();
            let draft = json!({
                "event": event, "expectedVersion": rows["version"], "kind": "THANKS", "subject": "drafted",
                "channel": rows["reports"][0]["channel"]["id"], "body": format!("thanks for {turn}"),
                "attach": kept.iter().map(|file| file["id"].clone()).collect::<Vec<_>>(),
            });
            let drafted = app.call(&one, "draftReply", draft, "id").await;
            // One that needs no approval may be proven at once.
            let path = format!(
                "/files?proof={}&name=receipt.png",
                drafted["reply"]["id"].as_str().unwrap_or_default()
            );
            let proof = files::request(&one, &path, format!("receipt {turn}").into_bytes());
            files::answer(app, proof).await;
            is_done(&drafted)
        }
        Act::Message => {
            call(&one, "messageReporter", json!({ "report": report, "body": format!("Thank you {turn}") }))
                .await
        }
        Act::FollowUp => {
            let question = json!({ "report": report, "question": "Since when?", "dueOn": "2026-03-20" });
            call(&one, "recordFollowUpQuestion", question).await
        }
        Act::NoticeDate => {
            let dated =
                json!({ "report": report, "expectedVersion": story.version().await, "dueOn": "2026-03-25" });
            call(&one, "setNoticeDate", dated).await
        }
        Act::Again => {
            let seen = app.node(&one, report, "Report", "channel { key } channelNumber").await;
            let again = json!({
                "channel": seen["channel"]["key"], "number": seen["channelNumber"], "title": "As told again",
                "text": format!("hidden, as of {turn}"),
            });
            call(&one, "receiveReport", again).await
        }
        Act::Join => {
            let more = json!({
                "channel": "cnvd", "number": format!("HIDDEN-JOINED-{turn}"), "title": "The same hidden one",
                "joinEvent": event, "reporter": { "subject": means.reporter },
            });
            call(&one, "receiveReport", more).await
        }
        Act::Split => {
            let part = |name: &str| json!({ "title": format!("{name} hidden part"), "text": "A part" });
            let split = json!({
                "report": report, "expectedVersion": story.version().await, "parts": [part("One"), part("Two")],
            });
            call(&one, "splitReport", split).await
        }
        Act::Upload => upload(app, &one, report, format!("bytes {turn}").as_bytes()).await.0 == 201,
        Act::ReleaseFile => {
            let file = app.node(&one, report, "Report", "attachments { nodes { id version } }").await;
            let file = &file["attachments"]["nodes"][0];
            call(
                &one,
                "releaseAttachment",
                json!({ "attachment": file["id"], "expectedVersion": file["version"] }),
            )
            .await
        }
        Act::Indicator => {
            let value = format!("host{turn}.inside.example");
            call(&one, "addIndicator", json!({ "report": report, "kind": "HOST", "value": value })).await
        }
        Act::Customer => attempt("addAffectedCustomer", json!({ "customer": means.customer })).await,
        Act::Colleague => {
            let member = json!({ "subject": "support-9", "function": "TECHNICAL_SERVICE" });
            is_done(&story.attempt(&leader, "addTeamMember", member).await)
        }
        Act::Link => match means.other {
            Some(other) => call(&one, "linkEvents", json!({ "event": event, "other": other.event })).await,
            None => false,
        },
        Act::Related => {
            let Some(other) = means.other else { return false };
            let decide = json!({
                "report": report, "otherReport": other.report, "expectedVersion": story.version().await,
                "outcome": "RELATED", "rationale": "the same parser",
            });
            is_done(&app.call(&one, "decideDuplicate", decide, "score").await)
        }
        Act::SeveralPlatforms => {
            let Some(other) = means.other else { return false };
            let case = json!({
                "report": report, "otherReport": other.report, "expectedVersion": story.version().await,
                "evidence": "the same words",
            });
            call(&one, "proposeMultiPlatform", case).await
        }
        Act::Propose => {
            let proposal = json!({
                "kind": "BOUNTY", "report": report, "amount": "500.00", "currency": "CNY", "rationale": "By the grid",
                "assetTier": "CORE",
            });
            call(&one, "proposePayout", proposal).await
        }
        Act::Approve => {
            let payout = payout().await;
            let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"] });
            call(&two, "approvePayout", approve).await
        }
        Act::Account => {
            let payout = payout().await;
            let account = json!({ "payout": payout["id"], "expectedVersion": 1, "account": "wallet 1" });
            call(&own, "setPayeeAccount", account).await
        }
        Act::Appeal => {
            let payout = payout().await;
            call(&own, "appealPayout", json!({ "payout": payout["id"], "grounds": "It is worse" })).await
        }
        Act::Ticket => {
            let open = json!({ "remediation": story.fix().await["id"], "tracker": means.tracker });
            call(&engineer, "openTicket", open).await
        }
        Act::Rename => {
            let known = reporter().await;
            let name = json!({
                "reporter": known["id"], "expectedVersion": known["version"], "name": format!("whisper {turn}"),
                "email": format!("whisper{turn}@inside.example"),
            });
            call(&one, "updateReporter", name).await
        }
        Act::Erase => {
            let known = reporter().await;
            let erase = json!({ "reporter": known["id"], "expectedVersion": known["version"], "reason": "asked for" });
            call(&leader, "eraseReporter", erase).await
        }
    }
}
