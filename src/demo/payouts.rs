//! What the demo's confirmed reports earn, and how far each payout has come.

use chrono::{DateTime, Datelike, Duration, Utc};
use serde_json::{Value, json};

use super::caller::Caller;
use super::company::id;
use crate::clock::{Clock, SetClock};

/// How far a payout is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Proposed,
    Rejected,
    OnHold,
    Cancelled,
    Synced,
    Appealed,
    Paid,
    PaidByHand,
}

/// The events whose report earns something: currency, amount and how far it is taken.
const EARNING: [(usize, &str, &str, Until); 8] = [
    (4, "CNY", "8000.00", Until::Proposed),
    (5, "POINTS", "80", Until::PaidByHand),
    (12, "CNY", "12000.00", Until::Synced),
    (15, "CNY", "100.00", Until::Rejected),
    (16, "POINTS", "900", Until::Cancelled),
    (23, "CNY", "88.88", Until::Paid),
    (34, "CNY", "1200.50", Until::Appealed),
    (49, "POINTS", "250", Until::OnHold),
];

/// Severities with the range for core assets, in money.
const RANGES: [(&str, u32, u32); 4] =
    [("CRITICAL", 5_000, 20_000), ("HIGH", 2_000, 5_000), ("MEDIUM", 500, 2_000), ("LOW", 50, 500)];

/// Tiers with the divisor of their ranges.
const TIERS: [(&str, u32); 3] = [("CORE", 1), ("GENERAL", 2), ("EDGE", 5)];

/// Introduces the grids and grants budgets for the years that the demo spans.
pub(super) async fn fund(caller: &Caller<'_>, years: [DateTime<Utc>; 2]) -> anyhow::Result<()> {
    for (currency, divisor, granted) in [("CNY", 1, "200000.00"), ("POINTS", 10, "20000")] {
        let cells: Vec<Value> = TIERS
            .iter()
            .flat_map(|(tier, share)| RANGES.iter().map(move |range| (tier, share * divisor, range)))
            .map(|(tier, share, (severity, least, most))| {
                let (least, most) = ((least / share).to_string(), (most / share).to_string());
                json!({ "assetTier": tier, "severity": severity, "minimum": least, "maximum": most })
            })
            .collect();
        let grid = json!({ "currency": currency, "cells": cells });
        caller.change("admin-1", "createRewardGrid", grid, "rewardGrid", "id").await?;
        let mut years = years.map(|at| at.year()).to_vec();
        years.dedup();
        for year in years {
            let budget = json!({ "period": year.to_string(), "currency": currency, "amount": granted });
            caller.change("finance-1", "createBudget", budget, "budget", "id").await?;
        }
    }
    Ok(())
}

/// Proposes what the event's report earned, and takes it as far as its story goes.
pub(super) async fn pay(
    caller: &Caller<'_>,
    clock: &SetClock,
    index: usize,
    report: &str,
) -> anyhow::Result<()> {
    let Some((_, currency, amount, until)) = EARNING.iter().find(|(event, ..)| *event == index) else {
        return Ok(());
    };
    let kind = if *currency == "POINTS" { "INTERNAL_REWARD" } else { "BOUNTY" };
    let proposal = json!({
        "kind": kind, "report": report, "amount": amount, "currency": currency,
        "rationale": "By the reward grid 按奖励标准",
    });
    let mut payout =
        caller.change("analyst-1", "proposePayout", proposal, "payout", "id version payeeVersion").await?;
    let by = |subject: &'static str, mutation: &'static str, input: Value| async move {
        caller.change(subject, mutation, input, "payout", "id version payeeVersion").await
    };
    let seen = |payout: &Value, reason: &str| json!({ "payout": payout["id"], "expectedVersion": payout["version"], "reason": reason });
    match until {
        Until::Proposed => return Ok(()),
        Until::Rejected => {
            let why = seen(&payout, "The rating is in doubt 定级存疑");
            return by("finance-1", "rejectPayout", why).await.map(|_| ());
        }
        _ => {}
    }
    let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"] });
    payout = by("finance-1", "approvePayout", approve).await?;
    match until {
        Until::OnHold => {
            by("analyst-2", "holdPayout", seen(&payout, "Reported elsewhere, too 疑似一洞多投")).await?;
        }
        Until::Cancelled => {
            by("analyst-2", "cancelPayout", seen(&payout, "Part of the job 属于本职工作")).await?;
        }
        Until::Appealed => {
            let grounds = json!({ "payout": payout["id"], "grounds": "It needs no login 无需登录即可利用" });
            by("reporter-1", "appealPayout", grounds).await?;
        }
        Until::Synced | Until::Paid => {
            by("reporter-1", "acceptPayout", json!({ "payout": payout["id"] })).await?;
            let taken = json!({ "payout": payout["id"], "attempt": 1, "platformReference": format!("SRC-PAY-{index:04}") });
            payout = by("src-1", "markPayoutSynced", taken).await?;
        }
        _ => {
            // Silence accepts.
            clock.advance(Duration::days(8));
            let paid = json!({
                "payout": payout["id"], "expectedVersion": payout["version"],
                "externalReference": format!("HR-{index:04}"), "paidAt": clock.now(), "proof": "payroll list 工资清单",
            });
            by("finance-1", "markPayoutPaid", paid).await?;
        }
    }
    if *until == Until::Paid {
        clock.advance(Duration::hours(30));
        let account = json!({
            "payout": id(&payout), "expectedVersion": payout["payeeVersion"], "account": "wallet 钱包 0001",
        });
        by("reporter-1", "setPayeeAccount", account).await?;
        let paid = json!({
            "payout": payout["id"], "externalReference": format!("T-{index:04}"), "paidAt": clock.now(),
            "amount": amount, "currency": currency,
        });
        by("src-1", "confirmPayout", paid).await?;
    }
    Ok(())
}
