//! What a monthly report says, in both languages.

use entity::vocabulary::{
    DeadlineKind, FigureGroup, MonthlyReportLanguage, PayoutKind, PayoutStage, Regime, TimeMeasure,
};

use crate::figures::store::EventRow;

/// The words of one language.
pub(super) struct Words {
    pub(super) chinese: bool,
    pub(super) tag: &'static str,
    pub(super) title: &'static str,
    /// From, until and zone.
    pub(super) period: fn(&str, &str, &str) -> String,
    /// Subject, roles and day.
    pub(super) view: fn(&str, &str, &str) -> String,
    pub(super) nothing: &'static str,
    pub(super) anonymous: &'static str,
    pub(super) none: &'static str,
    pub(super) events: &'static str,
    pub(super) events_note: &'static str,
    pub(super) events_head: [&'static str; 3],
    pub(super) event_rows: [&'static str; 8],
    pub(super) by_day: &'static str,
    pub(super) by_channel: &'static str,
    pub(super) by_level: &'static str,
    pub(super) by_verdict: &'static str,
    pub(super) by_product: &'static str,
    pub(super) times: &'static str,
    pub(super) times_note: &'static str,
    pub(super) times_head: [&'static str; 4],
    pub(super) deadlines: &'static str,
    pub(super) deadlines_note: &'static str,
    pub(super) deadlines_head: [&'static str; 6],
    pub(super) breached_chart: &'static str,
    pub(super) payouts: &'static str,
    pub(super) payouts_note: &'static str,
    pub(super) payouts_head: [&'static str; 4],
    pub(super) board: &'static str,
    pub(super) board_note: &'static str,
    pub(super) board_head: [&'static str; 4],
}

/// Levels and verdicts: code, English, Chinese.
const CODES: [(&str, &str, &str); 16] = [
    ("NONE", "Not rated", "未定级"),
    ("BLUE", "Blue", "蓝 一般"),
    ("YELLOW", "Yellow", "黄 较大"),
    ("ORANGE", "Orange", "橙 重大"),
    ("RED", "Red", "红 特别重大"),
    ("CONFIRMED", "Confirmed", "确认"),
    ("KNOWN_INTERNALLY", "Known internally", "内部已知未发布"),
    ("NOT_REPRODUCIBLE", "Not reproducible", "不存在/无法复现"),
    ("DUPLICATE", "Duplicate", "重复"),
    ("ALREADY_FIXED", "Already fixed", "已发布补丁公告"),
    ("END_OF_LIFE", "End of life", "已退市产品"),
    ("OTHER_VENDOR", "Other vendor", "非我方产品"),
    ("OUT_OF_SCOPE", "Out of scope", "超出范围"),
    ("NOT_A_VULNERABILITY", "Not a vulnerability", "非安全问题"),
    ("INSUFFICIENT_INFORMATION", "Insufficient information", "信息不足"),
    ("SPAM", "Spam", "垃圾信息"),
];

impl Words {
    pub(super) fn of(language: MonthlyReportLanguage) -> Self {
        match language {
            MonthlyReportLanguage::En => english(),
            MonthlyReportLanguage::Zh => chinese(),
        }
    }

    fn pick(&self, english: &'static str, chinese: &'static str) -> &'static str {
        if self.chinese { chinese } else { english }
    }

    /// What people call a group of events.
    pub(super) fn group(&self, group: FigureGroup, row: &EventRow) -> String {
        let Some(key) = &row.group_key else {
            return match group {
                FigureGroup::Verdict => self.pick("No verdict yet", "尚无结论").to_owned(),
                _ => self.none.to_owned(),
            };
        };
        let known = CODES.iter().find(|(code, ..)| code == key);
        match (group, known) {
            (FigureGroup::Level | FigureGroup::Verdict, Some((_, english, chinese))) => {
                self.pick(english, chinese).to_owned()
            }
            _ => row.label.clone().unwrap_or_else(|| key.clone()),
        }
    }

    pub(super) fn measure(&self, measure: TimeMeasure) -> &'static str {
        match measure {
            TimeMeasure::Acknowledgement => self.pick("Acknowledgement", "确认收到"),
            TimeMeasure::Verdict => self.pick("Verdict", "研判"),
            TimeMeasure::Fix => self.pick("Fix", "修复"),
            TimeMeasure::Reply => self.pick("Reply", "回复"),
        }
    }

    pub(super) fn kind(&self, kind: DeadlineKind) -> &'static str {
        match kind {
            DeadlineKind::Reply => self.pick("Reply", "回复"),
            DeadlineKind::Mitigation => self.pick("Mitigation", "缓解措施"),
            DeadlineKind::Fix => self.pick("Fix", "修复"),
            DeadlineKind::Publication => self.pick("Publication", "对方公开"),
            DeadlineKind::Information => self.pick("Information", "补充信息"),
            DeadlineKind::Decision => self.pick("Decision", "决策"),
        }
    }

    pub(super) fn regime(&self, regime: Regime) -> &'static str {
        match regime {
            Regime::SrcPromise => self.pick("SRC promise", "SRC 承诺"),
            Regime::Notice => self.pick("Notice", "通知"),
            Regime::Rmsv => self.pick("RMSV", "漏洞管理规定"),
            Regime::CraVulnerability => self.pick("CRA, vulnerability", "欧盟 CRA 漏洞"),
            Regime::CraIncident => self.pick("CRA, incident", "欧盟 CRA 事件"),
            Regime::CacIncident => self.pick("CAC incident", "网络安全事件报告"),
            Regime::Coordination => self.pick("Coordination", "协同披露"),
            Regime::Customer => self.pick("Customer", "客户通知"),
            Regime::Fix => self.pick("By level", "按等级"),
            Regime::Procedure => self.pick("Procedure", "处置流程"),
        }
    }

    pub(super) fn stage(&self, stage: &str) -> &'static str {
        let is = |of: PayoutStage| stage == of.as_str();
        if is(PayoutStage::Approved) {
            self.pick("Approved", "批准")
        } else if is(PayoutStage::Paid) {
            self.pick("Paid", "支付")
        } else {
            self.pick("Reversed", "冲正")
        }
    }

    pub(super) fn payout_kind(&self, kind: PayoutKind) -> &'static str {
        match kind {
            PayoutKind::Bounty => self.pick("Bounty", "漏洞奖金"),
            PayoutKind::InternalReward => self.pick("Internal reward", "内部奖励"),
            PayoutKind::QuarterlyBonus => self.pick("Quarterly bonus", "季度奖"),
            PayoutKind::AnnualBonus => self.pick("Annual bonus", "年度奖"),
            PayoutKind::Gift => self.pick("Gift", "礼品"),
        }
    }
}

fn english() -> Words {
    Words {
        chinese: false,
        tag: "en",
        title: "Vulnerability handling, monthly report",
        period: |from, until, zone| format!("Period: {from} until {until} ({zone})"),
        view: |subject, roles, day| {
            format!(
                "As {subject} ({roles}) sees it, made on {day}. What this view does not show is not counted."
            )
        },
        nothing: "None.",
        anonymous: "anonymous",
        none: "None",
        events: "Events",
        events_note: "Events by when they were received, with the verdict in force now.",
        events_head: ["Figure", "This month", "Month before"],
        event_rows: [
            "Received",
            "With a verdict",
            "Duplicates",
            "Vulnerabilities of ours",
            "Known internally, not published",
            "Known and fixed before",
            "First reported by own staff",
            "Found by ourselves",
        ],
        by_day: "Events by day",
        by_channel: "Events by channel",
        by_level: "Events by level",
        by_verdict: "Events by verdict",
        by_product: "Events by product",
        times: "Times",
        times_note: "What ended in the month, of every pass, pauses included. Median and 90th percentile by nearest rank.",
        times_head: ["Measure", "Count", "Median", "90th percentile"],
        deadlines: "Deadlines",
        deadlines_note: "Clocks that were met or passed their due instant in the month.",
        deadlines_head: ["Clock", "Met in time", "Breached", "Met late", "Still open", "In time"],
        breached_chart: "Breached deadlines",
        payouts: "Payouts",
        payouts_note: "What was approved, paid or reversed in the month, each currency by itself.",
        payouts_head: ["Stage", "Kind", "Count", "Sum"],
        board: "Leaderboard",
        board_note: "Reporters by accepted reports that were received in the month. Only those who chose to be named are.",
        board_head: ["Place", "Name", "Accepted", "Points"],
    }
}

fn chinese() -> Words {
    Words {
        chinese: true,
        tag: "zh-CN",
        title: "漏洞处置月报",
        period: |from, until, zone| format!("统计周期：{from} 至 {until}（{zone}）"),
        view: |subject, roles, day| {
            format!("统计视角：{subject}（{roles}），生成日期：{day}。该视角不可见的内容不计入。")
        },
        nothing: "无。",
        anonymous: "匿名",
        none: "未归类",
        events: "漏洞事件",
        events_note: "按接收时间统计，研判结论以当前有效者为准。",
        events_head: ["指标", "本月", "上月"],
        event_rows: [
            "接收事件",
            "已研判",
            "重复",
            "我方漏洞",
            "内部已知未发布",
            "已发布补丁公告",
            "内部员工首先报告",
            "自行发现",
        ],
        by_day: "按日统计事件",
        by_channel: "按渠道统计事件",
        by_level: "按等级统计事件",
        by_verdict: "按研判结论统计事件",
        by_product: "按产品统计事件",
        times: "处置时长",
        times_note: "统计本月内结束的各轮次时长，含暂停时间；中位数与 90 分位数采用最近秩法。",
        times_head: ["指标", "样本数", "中位数", "90 分位数"],
        deadlines: "时限",
        deadlines_note: "统计本月内完成或超期的时限。",
        deadlines_head: ["时限", "按时完成", "超期", "超期后完成", "仍未完成", "按时率"],
        breached_chart: "超期时限",
        payouts: "奖励",
        payouts_note: "统计本月内批准、支付或冲正的奖励，各币种分别合计。",
        payouts_head: ["环节", "类型", "数量", "合计"],
        board: "排行榜",
        board_note: "按本月接收并被采纳的报告数排名；仅显示选择公开者的姓名或昵称。",
        board_head: ["名次", "姓名", "采纳报告", "积分"],
    }
}
